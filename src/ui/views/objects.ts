import { html, type TemplateResult } from 'lit'
import type { CoOccurrence, ObjectRate } from '../../evaluate/objects.ts'
import type { ObjectsView } from '../../pipeline/run-view.ts'
import { formatCount, formatFigure } from './format.ts'

/**
 * Which things are invented, how often before and after, and what seduces the model to it.
 * @param most rows, those invented most often first. Default 20.
 */
export function objectsView({ before, after, coOccurrences }: ObjectsView, most = 20): TemplateResult {
  const rows = invented(before, after)
  if (rows.length === 0) return html`<p class="note">Nothing was invented, before or after.</p>`
  const scale = Math.max(...rows.flatMap((row) => [row.before?.flagged ?? 0, row.after?.flagged ?? 0]))
  return html`
    <div class="objects">
      <table>
        <caption>
          ${rows.length > most ? `The ${most} of ${rows.length} things invented most often` : 'Things that are invented'};
          a share is of all times the thing was named
        </caption>
        <thead>
          <tr>
            <th scope="col">Thing</th>
            <th scope="col">Invented before</th>
            <th scope="col">Invented after</th>
            <th scope="col">Beside what, before</th>
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, most).map(
            ({ noun, before, after }) => html`<tr>
              <th scope="row">${noun}</th>
              <td data-name="Before">${rateView(before, scale, 'before')}</td>
              <td data-name="After">${rateView(after, scale, 'after')}</td>
              ${besideCell(coOccurrences.filter((found) => found.noun === noun))}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `
}

interface Row {
  readonly noun: string
  readonly before: ObjectRate | undefined
  readonly after: ObjectRate | undefined
}

function invented(before: readonly ObjectRate[], after: readonly ObjectRate[]): Row[] {
  const [first, second] = [before, after].map((rates) => new Map(rates.map((rate) => [rate.noun, rate])))
  const nouns = [
    ...new Set([...before, ...after].filter(({ flagged }) => flagged > 0).map(({ noun }) => noun)),
  ]
  const flagged = ({ before: b, after: a }: Row): number => Math.max(b?.flagged ?? 0, a?.flagged ?? 0)
  return nouns
    .map((noun) => ({ noun, before: first?.get(noun), after: second?.get(noun) }))
    .sort((a, b) => flagged(b) - flagged(a) || (a.noun < b.noun ? -1 : 1))
}

function rateView(rate: ObjectRate | undefined, scale: number, side: 'before' | 'after'): TemplateResult {
  if (!rate) return html`<span class="soft">never named</span>`
  const width = `width: ${((100 * rate.flagged) / scale).toFixed(1)}%`
  return html`<span class="rate"
    ><span class="bar" aria-hidden="true"><span class=${side} style=${width}></span></span>
    <span>${formatCount(rate.flagged)}× <small>${formatFigure(rate.rate, 0)}% of ${formatCount(rate.mentions)}</small></span></span
  >`
}

/** What it was invented beside more than once: the two most frequent. */
function besideCell(all: readonly CoOccurrence[]): TemplateResult {
  const found = all.filter(({ invented }) => invented > 1).slice(0, 2)
  if (found.length === 0) return html`<td class="none"></td>`
  return html`<td data-name="Beside">
    ${found.map(
      ({ beside, invented, images, rateElsewhere }) => html`<span class="beside"
        >${beside}
        <small
          >${formatCount(invented)} of ${formatCount(images)} such pictures, ${formatFigure(rateElsewhere, 0)}% of others</small
        ></span
      >`,
    )}
  </td>`
}
