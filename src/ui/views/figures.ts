import { html, nothing, type TemplateResult } from 'lit'
import type { Estimate } from '../../evaluate/bootstrap.ts'
import type { RunSummary } from '../../pipeline/summary.ts'
import { explained } from './explained.ts'
import { FIGURE_ROWS, type FigureRow, outcomeOf } from './figure-rows.ts'
import { formatChange, formatFigure, formatPictures } from './format.ts'

const OUTCOMES = {
  better: { mark: '✓', text: 'better' },
  worse: { mark: '✗', text: 'worse' },
  changed: { mark: '≠', text: 'changed' },
  unclear: { mark: '≈', text: 'within chance' },
} as const

export type Figures = Pick<RunSummary, 'before' | 'after' | 'delta' | 'controls' | 'images'> &
  Partial<Pick<RunSummary, 'zeroShotCeiling'>>

/** A run's figures before and after with 95% intervals, and the truncation controls. */
export function figuresView(summary: Figures): TemplateResult {
  return html`
    <div class="figures">
      <div class="scroll" tabindex="0" role="region" aria-label="Figures before and after">
        <table>
          <caption>
            On ${formatPictures(summary.images)}, with 95% intervals over pictures; the change is paired by picture
          </caption>
          <thead>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col" class="range-head" aria-label="Drawn from 0 to 100">
                <span>0</span><span>○ before ● after</span><span>100</span>
              </th>
              <th scope="col" class="number">Before</th>
              <th scope="col" class="number">After</th>
              <th scope="col" class="number">Change</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>${FIGURE_ROWS.map((row) => figureRow(row, summary))}</tbody>
        </table>
      </div>
      ${ceilingView(summary)} ${controlsView(summary)}
    </div>
  `
}

/** What the figures mean, the most important sentence first. */
export function verdictsView(verdicts: readonly string[]): TemplateResult {
  return html`<ul class="verdicts">
    ${verdicts.map((text) => html`<li>${text}</li>`)}
  </ul>`
}

function figureRow(row: FigureRow, { before, after, delta }: Figures): TemplateResult | typeof nothing {
  const [first, second, change] = [row.of(before), row.of(after), row.of(delta)]
  if (!first || !second || !change) return nothing
  const { mark, text } = OUTCOMES[outcomeOf(change, row.better)]
  const outcome = outcomeOf(change, row.better)
  const digits = row.unit === 'nats' ? 3 : 1
  const hint = row.better === undefined ? '' : row.better === 'lower' ? 'lower is better' : 'higher is better'
  return html`
    <tr>
      <th scope="row">
        ${explained(row.id, row.name, row.meaning)}
        ${hint === '' ? nothing : html`<small class="hint">${hint}</small>`}
      </th>
      <td class="range">${row.unit === 'percent' ? rangeBar(first, second) : nothing}</td>
      <td class="number">${figure(first, digits)}</td>
      <td class="number strong">${figure(second, digits)}</td>
      <td class="number strong">
        ${formatChange(change.value)}${row.unit === 'nats' ? '%' : ''}
        <small>${formatChange(change.low)} to ${formatChange(change.high)}</small>
      </td>
      <td><span class="outcome ${outcome}"><span aria-hidden="true">${mark}</span> ${text}</span></td>
    </tr>
  `
}

function figure({ value, low, high }: Estimate, digits: number): TemplateResult {
  return html`${formatFigure(value, digits)}
    <small>${formatFigure(low, digits)} to ${formatFigure(high, digits)}</small>`
}

/** Before (hollow) and after (full) with their intervals on a scale from 0 to 100; the cells beside it say the same. */
function rangeBar(before: Estimate, after: Estimate): TemplateResult {
  const x = (value: number): string => `${Math.min(100, Math.max(0, value))}%`
  return html`<svg class="range-bar" width="100%" height="22" aria-hidden="true">
    <line class="axis" x1="0" x2="100%" y1="11" y2="11"></line>
    <line class="before" x1=${x(before.low)} x2=${x(before.high)} y1="6" y2="6"></line>
    <circle class="before" cx=${x(before.value)} cy="6" r="3.5"></circle>
    <line class="after" x1=${x(after.low)} x2=${x(after.high)} y1="16" y2="16"></line>
    <circle class="after" cx=${x(after.value)} cy="16" r="4"></circle>
  </svg>`
}

function ceilingView({ zeroShotCeiling }: Figures): TemplateResult | typeof nothing {
  if (!zeroShotCeiling) return nothing
  const { value, low, high } = zeroShotCeiling
  return html`<p class="note">
    Zero-shot ceiling: CLIP looking at the pictures themselves is right on ${formatFigure(value)}%
    (${formatFigure(low)} to ${formatFigure(high)}).
  </p>`
}

const CONTROL_COLUMNS = ['chair', 'hal', 'cover', 'meanLength'] as const
const CONTROL_NAMES = { chair: 'CHAIR', hal: 'Hal', cover: 'Cover', meanLength: 'Words' } as const

/** Whether the gain is more than shortening: the base model's captions cut without any training, beside the tuned ones. */
function controlsView({ before, after, controls }: Figures): TemplateResult | typeof nothing {
  if (!controls) return nothing
  const row = (
    name: TemplateResult | string,
    of: (column: (typeof CONTROL_COLUMNS)[number]) => TemplateResult,
  ) =>
    html`<tr>
      <th scope="row">${name}</th>
      ${CONTROL_COLUMNS.map((column) => html`<td class="number">${of(column)}</td>`)}
    </tr>`
  const measured = (estimate: Estimate | undefined) => (estimate ? figure(estimate, 1) : html`–`)
  const difference = ({ value, low, high }: Estimate) =>
    html`${formatChange(value)} <small>${formatChange(low)} to ${formatChange(high)}</small>`
  const control = (id: 'C' | 'L', sentence: string) => [
    row(explained(`control-${id}`, `Control ${id}`, sentence), (column) =>
      figure(controls[id].metrics[column], 1),
    ),
    row(`tuned model less ${id}`, (column) => difference(controls[id].tunedMinus[column])),
  ]
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Truncation controls">
      <table class="controls">
        <caption>
          Is it only shortening? The base model’s captions, cut without any training
        </caption>
        <thead>
          <tr>
            <th scope="col">Captions</th>
            ${CONTROL_COLUMNS.map((column) => html`<th scope="col" class="number">${CONTROL_NAMES[column]}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${row('base model', (column) => measured(before[column]))}
          ${row('tuned model', (column) => measured(after[column]))}
          ${control(
            'C',
            'As many base captions lose their last sentence as bring Cover to the tuned model’s.',
          )}
          ${control('L', 'Every base caption is cut at the sentence end nearest to the tuned mean length.')}
        </tbody>
      </table>
    </div>
  `
}
