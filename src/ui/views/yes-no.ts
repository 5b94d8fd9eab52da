import { html, type TemplateResult } from 'lit'
import type { PrecisionRecall } from '../../evaluate/yes-no.ts'
import type { YesNoKind } from '../../pipeline/yes-no-kinds.ts'
import { formatChange, formatCount, formatFigure } from './format.ts'

/** Yes/no questions by their kind: how many are answered rightly, how many with yes, and how sure either answer is. */
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
    <div class="yes-no scroll" tabindex="0" role="region" aria-label="Precision and recall by kind">
      <table>
        <caption>
          Precision, recall and F1 of either answer, before → after: of “no” as AMBER has them, of “yes” as POPE
        </caption>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            ${['no', 'yes'].map((answer) =>
              ['Precision', 'Recall', 'F1'].map(
                (figure) => html`<th scope="col" class="number">${figure} of “${answer}”</th>`,
              ),
            )}
          </tr>
        </thead>
        <tbody>
          ${kinds.map(
            ({ kind, before, after }) => html`<tr>
              <th scope="row">${kind}</th>
              ${ofAnswer(before.no, after.no)} ${ofAnswer(before.yes, after.yes)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `
}

function ofAnswer(before: PrecisionRecall, after: PrecisionRecall): TemplateResult[] {
  return (['precision', 'recall', 'f1'] as const).map(
    (name) => html`<td class="number">${formatFigure(before[name])} → ${formatFigure(after[name])}</td>`,
  )
}
