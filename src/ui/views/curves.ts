import { dot, lineY, ruleY } from '@observablehq/plot'
import { html, nothing, type TemplateResult } from 'lit'
import type { RoundView } from '../../pipeline/run-view.ts'
import { chart, type HoverZone, hoverZones } from './chart.ts'
import { formatValue } from './format.ts'
import { smooth } from './smooth.ts'

type StepMetrics = RoundView['metrics'][number]
type MetricKey = Exclude<keyof StepMetrics, 'step'>

interface Curve {
  readonly key: MetricKey
  readonly name: string
  readonly colour: string
  readonly isDashed?: true
}

interface CurveChart {
  readonly title: string
  /** What to look for, in one plain sentence. */
  readonly meaning: string
  readonly curves: readonly Curve[]
  /** Drawn as it is: a schedule has no noise. */
  readonly isExact?: true
  /** A level to compare with. */
  readonly level?: { readonly value: number; readonly name: string }
}

const CHARTS: readonly CurveChart[] = [
  {
    title: 'loss',
    meaning: 'Starts at log 2 = 0.693, where the model prefers neither text, and falls as it learns to.',
    curves: [{ key: 'loss', name: 'loss', colour: 'var(--accent)' }],
    level: { value: Math.LN2, name: 'log 2' },
  },
  {
    title: 'rewards/margins',
    meaning: 'How much more the tuned model prefers the chosen text than the base model does, times beta.',
    curves: [{ key: 'rewards/margins', name: 'margin', colour: 'var(--accent)' }],
    level: { value: 0, name: 'no preference' },
  },
  {
    title: 'rewards/accuracies',
    meaning: 'The share of pairs whose chosen text gained more than its rejected one.',
    curves: [{ key: 'rewards/accuracies', name: 'accuracy', colour: 'var(--accent)' }],
    level: { value: 0.5, name: 'chance' },
  },
  {
    title: 'logps',
    meaning:
      'Log-probability of the texts; a chosen one that falls as fast as the rejected warns of forgetting.',
    curves: [
      { key: 'logps/chosen', name: 'chosen', colour: 'var(--good)' },
      { key: 'logps/rejected', name: 'rejected', colour: 'var(--bad)', isDashed: true },
    ],
  },
  {
    title: 'grad_norm',
    meaning: 'Length of the gradient before clipping; sudden peaks warn of a learning rate that is too high.',
    curves: [{ key: 'grad_norm', name: 'norm', colour: 'var(--accent)' }],
  },
  {
    title: 'learning_rate',
    meaning: 'The schedule: warm-up, then its decay.',
    curves: [{ key: 'learning_rate', name: 'rate', colour: 'var(--accent)' }],
    isExact: true,
  },
]

/** All a step's figures, in the order in which they are told. */
const READ: readonly MetricKey[] = [
  'loss',
  'rewards/margins',
  'rewards/accuracies',
  'rewards/chosen',
  'rewards/rejected',
  'logps/chosen',
  'logps/rejected',
  'grad_norm',
  'learning_rate',
]

/** Strips under the pointer in one chart, and rows of the table. */
const MOST_ZONES = 48
const MOST_ROWS = 20
/** Curves of fewer steps are drawn as they are, with their points. */
const FEW_STEPS = 16

export interface CurvesOptions {
  /** Weight of the past in the smoothed curve, in [0, 1). Default 0.6. */
  readonly smoothing?: number
}

/** A training's curves, each smoothed over its ghost; a strip under the pointer reads all figures of a step. */
export function curvesView(
  metrics: readonly StepMetrics[],
  { smoothing = 0.6 }: CurvesOptions = {},
): TemplateResult {
  if (metrics.length === 0) return html`<p class="note">No step has been taken yet.</p>`
  const places = placesOf(metrics)
  return html`<div class="curves">
    <div class="curve-list">${CHARTS.map((one) => curveView(one, metrics, places, smoothing))}</div>
    <details>
      <summary>Figures by step</summary>
      ${tableView(every(metrics, MOST_ROWS))}
    </details>
  </div>`
}

function curveView(
  { title, meaning, curves, isExact, level }: CurveChart,
  metrics: readonly StepMetrics[],
  places: readonly Place[],
  smoothing: number,
): TemplateResult {
  const isFew = metrics.length < FEW_STEPS
  const weight = isExact || isFew ? 0 : smoothing
  const drawn = curves.map((curve) => {
    const values = metrics.map((step) => step[curve.key])
    const smoothed = smooth(values, weight)
    const points = metrics.map(({ step }, i) => ({ step, value: values[i], smoothed: smoothed[i] }))
    return { ...curve, points }
  })
  const marks = drawn.flatMap(({ colour, isDashed, points }) => [
    ...(weight > 0
      ? [lineY(points, { x: 'step', y: 'value', stroke: colour, strokeWidth: 1, strokeOpacity: 0.35 })]
      : []),
    lineY(points, {
      x: 'step',
      y: 'smoothed',
      stroke: colour,
      strokeWidth: 2,
      ...(isDashed ? { strokeDasharray: '6 3' } : {}),
    }),
    ...(isFew ? [dot(points, { x: 'step', y: 'value', fill: colour, r: 3 })] : []),
  ])
  const read = (step: StepMetrics): string =>
    curves.map(({ key, name }) => (curves.length > 1 ? `${name} ` : '') + formatValue(step[key])).join(', ')
  const [first, last] = [metrics[0], metrics.at(-1)] as [StepMetrics, StepMetrics]
  const label = `${title} over ${metrics.length} steps: from ${read(first)} to ${read(last)}`
  const picture = chart(label, {
    width: 360,
    height: 180,
    marginLeft: 48,
    marginTop: 20,
    marginBottom: 40,
    x: { label: 'step', labelAnchor: 'center', labelArrow: 'none', ticks: 5, tickFormat: wholeTick },
    y: { label: null, grid: true, ticks: 4, nice: true, tickFormat: (value: number) => formatValue(value) },
    marks: [
      ...(level
        ? [ruleY([level.value], { stroke: 'currentColor', strokeOpacity: 0.6, strokeDasharray: '2 3' })]
        : []),
      ...marks,
      hoverZones(
        places.map(({ metric, ...place }) => ({ ...place, reading: `step ${place.at}: ${read(metric)}` })),
      ),
    ],
  })
  return html`<figure class="curve">
    <figcaption>
      <p class="title">${title} <span class="now">${curves.map((curve) => nowView(curve, last, curves.length > 1))}</span></p>
    </figcaption>
    ${picture}
    <p class="note">${meaning}${level ? ` Dotted: ${level.name}.` : ''}</p>
  </figure>`
}

/** A curve's last figure, after how it is drawn and called where there are several. */
function nowView(
  { key, name, colour, isDashed }: Curve,
  last: StepMetrics,
  isNamed: boolean,
): TemplateResult {
  const swatch = html`<span
    class="swatch ${isDashed ? 'dashed' : 'solid'}"
    style=${`--swatch: ${colour}`}
    aria-hidden="true"
  ></span>`
  return html`<span>${isNamed ? html`${swatch}${name} ` : nothing}${formatValue(last[key])}</span>`
}

/** A step that can be read, in every chart alike. */
interface Place extends Omit<HoverZone, 'reading'> {
  readonly metric: StepMetrics
}

function placesOf(metrics: readonly StepMetrics[]): Place[] {
  const shown = every(metrics, MOST_ZONES)
  return shown.map((metric, i): Place => {
    const { step } = metric
    const [before, after] = [shown[i - 1]?.step ?? step - 1, shown[i + 1]?.step ?? step + 1]
    const figures = READ.map((key) => `${key} ${formatValue(metric[key])}`)
    return {
      metric,
      from: (before + step) / 2,
      to: (step + after) / 2,
      at: step,
      title: [`step ${step}`, ...figures].join('\n'),
    }
  })
}

function tableView(rows: readonly StepMetrics[]): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures by step">
    <table>
      <thead>
        <tr>
          <th scope="col">step</th>
          ${READ.map((key) => html`<th scope="col" class="number">${key}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr>
            <th scope="row">${row.step}</th>
            ${READ.map((key) => html`<td class="number">${formatValue(row[key])}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** At most so many of them, evenly apart, the last among them. */
function every<T>(items: readonly T[], most: number): T[] {
  const stride = Math.ceil(items.length / most)
  return items.filter((_, i) => (items.length - 1 - i) % stride === 0)
}

const wholeTick = (step: number): string => (Number.isInteger(step) ? String(step) : '')
