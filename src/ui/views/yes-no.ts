import { html, type TemplateResult } from 'lit'
import type { YesNoKind } from '../../pipeline/run-view.ts'
import { formatChange, formatCount, formatFigure } from './format.ts'

/** Yes/no questions by their kind: how many are answered rightly, and how many with yes. */
export function yesNoView(kinds: readonly YesNoKind[]): TemplateResult {
  if (kinds.length === 0) return html`<p class="note">No questions were asked.</p>`
  return html`
    <div class="yes-no scroll" tabindex="0" role="region" aria-label="Yes/no questions by kind">
      <table>
        <caption>
          Yes/no questions by kind, in percent
        </caption>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col" class="number">Questions</th>
            <th scope="col" class="number">Right before</th>
            <th scope="col" class="number">Right after</th>
            <th scope="col" class="number">Change</th>
            <th scope="col" class="number">“Yes” before</th>
            <th scope="col" class="number">“Yes” after</th>
          </tr>
        </thead>
        <tbody>
          ${kinds.map(
            ({ kind, questions, before, after }) => html`<tr>
              <th scope="row">${kind}</th>
              <td class="number">${formatCount(questions)}</td>
              <td class="number">${formatFigure(before.accuracy)}</td>
              <td class="number strong">${formatFigure(after.accuracy)}</td>
              <td class="number">${formatChange(after.accuracy - before.accuracy)}</td>
              <td class="number">${formatFigure(before.yesRate)}</td>
              <td class="number">${formatFigure(after.yesRate)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `
}
