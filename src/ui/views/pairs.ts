import { html, nothing, type TemplateResult } from 'lit'
import type { PairRow, PairSample } from '../../pipeline/run-view.ts'
import { formatCount, formatFigure } from './format.ts'
import { type DiffPiece, wordDiff } from './word-diff.ts'

/** Preference pairs; where chosen and rejected differ is highlighted word by word. */
export function pairsView({ count, pairs }: PairSample): TemplateResult {
  if (pairs.length === 0)
    return html`<p class="note">There are no pairs: the funnel shows which rule took them.</p>`
  return html`
    <div class="pairs">
      ${
        pairs.length < count
          ? html`<p class="note">${pairs.length} of ${formatCount(count)} pairs, drawn at random, the widest gap first.</p>`
          : nothing
      }
      <table>
        <thead>
          <tr>
            <th scope="col">Picture and prompt</th>
            <th scope="col">Chosen</th>
            <th scope="col">Rejected</th>
            <th scope="col" class="number">Gap</th>
          </tr>
        </thead>
        <tbody>${pairs.map(pairRow)}</tbody>
      </table>
    </div>
  `
}

function pairRow(pair: PairRow): TemplateResult {
  const { images, prompt, context, chosen, rejected, chosenScore, rejectedScore, gap, rule, thumbnail } = pair
  const { first, second } = wordDiff(chosen, rejected)
  return html`<tr>
    <th scope="row">
      <div class="pictured">
        ${thumbnail === undefined ? nothing : html`<img src=${thumbnail} alt="" />`}
        <div>
          <span class="prompt">${prompt}</span>
          ${context === undefined || context === '' ? nothing : html`<span class="context">after “${context.trim()}”</span>`}
          <small>${images[0] ?? ''}</small>
        </div>
      </div>
    </th>
    <td data-name="Chosen">${textView(first, 'chosen')} <small>score ${formatFigure(chosenScore)}</small></td>
    <td data-name="Rejected">${textView(second, 'rejected')} <small>score ${formatFigure(rejectedScore)}</small></td>
    <td data-name="Gap" class="number strong">${formatFigure(gap)} <small>${rule}</small></td>
  </tr>`
}

function textView(pieces: readonly DiffPiece[], side: 'chosen' | 'rejected'): TemplateResult {
  if (pieces.every(({ text }) => text.trim() === '')) return html`<i class="empty">ends the answer</i>`
  return html`${pieces.map(({ text, isShared }) => {
    if (isShared) return text
    const word = text.trimEnd()
    return html`<mark class=${side}>${word}</mark>${text.slice(word.length)}`
  })}`
}
