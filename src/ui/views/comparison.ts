import { html, nothing, type TemplateResult } from 'lit'
import type { ComparedRun } from '../../pipeline/runner.api.ts'
import { FIGURE_ROWS } from './figure-rows.ts'
import { formatFigure } from './format.ts'
import { recipeDiff } from './recipe-diff.ts'

/** What a run is called and why it was made change nothing of what it does. */
const SAID = new Set(['name', 'notes'])

/** The settings in which runs differ, a column for each run. */
export function differencesView(
  runs: readonly Pick<ComparedRun, 'id' | 'name' | 'recipe'>[],
): TemplateResult {
  const found = recipeDiff(runs.map(({ recipe }) => recipe)).filter(({ path }) => !SAID.has(path))
  if (found.length === 0) return html`<p class="note">Their settings are all the same.</p>`
  return compared(
    found.length === 1 ? 'One setting differs' : `${found.length} settings differ`,
    'Setting',
    runs,
    [
      ...found.map(({ path, values }) => ({
        head: html`<code>${path}</code>`,
        cells: values.map((value) => html`<code>${shown(value)}</code>`),
      })),
    ],
  )
}

/** What runs came to after training, and where they began; rows that no run has are left out. */
export function comparedFiguresView(
  runs: readonly Pick<ComparedRun, 'id' | 'name' | 'figures'>[],
  { caption = 'What they came to', head }: ComparedOptions = {},
): TemplateResult | typeof nothing {
  const rows = FIGURE_ROWS.flatMap(({ name, better, unit, of }) => {
    const digits = unit === 'nats' ? 3 : 1
    const pairs = runs.map(
      ({ figures }) => figures && { before: of(figures.before), after: of(figures.after) },
    )
    if (!pairs.some((pair) => pair?.after)) return []
    const cells = pairs.map((pair) =>
      pair?.before && pair.after
        ? html`<b>${formatFigure(pair.after.value, digits)}</b>
            <small>from ${formatFigure(pair.before.value, digits)}</small>`
        : html`<span class="note">not measured</span>`,
    )
    const hint = better === undefined ? nothing : html`<small class="hint">${better} is better</small>`
    return [{ head: html`${name} ${hint}`, cells }]
  })
  if (rows.length === 0) return nothing
  return compared(caption, 'Figure', runs, rows, head)
}

interface ComparedOptions {
  readonly caption?: string
  /** What stands at the head of a run's column. Default its name. */
  readonly head?: (id: string, name: string) => TemplateResult
}

function compared(
  caption: string,
  head: string,
  runs: readonly Pick<ComparedRun, 'id' | 'name'>[],
  rows: readonly { readonly head: TemplateResult; readonly cells: readonly TemplateResult[] }[],
  headOf: ComparedOptions['head'] = (_, name) => html`${name}`,
): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table class="compared">
      <caption>${caption}</caption>
      <thead>
        <tr>
          <th scope="col">${head}</th>
          ${runs.map(({ id, name }) => html`<th scope="col">${headOf(id, name)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ head, cells }) => html`<tr>
            <th scope="row">${head}</th>
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

const shown = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value))
