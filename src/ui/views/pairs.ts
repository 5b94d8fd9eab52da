import { html, nothing, type TemplateResult } from 'lit'
import type { PairRow, PairSample } from '../../pipeline/run-view.ts'
import { formatCount, formatFigure } from './format.ts'
import { type DiffPiece, wordDiff } from './word-diff.ts'

/** How a pair that can be edited by hand is shown, and what can be done to it. */
export interface PairMark {
  /** `struck`: crossed out; `flipped`: with its texts the other way round. */
  readonly as?: 'struck' | 'flipped'
  /** Such as "struck out". */
  readonly note?: string
  readonly actions: TemplateResult
}

/**
 * Preference pairs; where chosen and rejected differ is highlighted word by word.
 * @param mark of a pair, where pairs can be edited by hand. Default they are only shown.
 */
export function pairsView({ count, pairs }: PairSample, mark?: (pair: PairRow) => PairMark): TemplateResult {
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
            ${mark ? html`<th scope="col">By hand</th>` : nothing}
          </tr>
        </thead>
        <tbody>${pairs.map((pair) => pairRow(pair, mark?.(pair)))}</tbody>
      </table>
    </div>
  `
}

function pairRow(made: PairRow, mark: PairMark | undefined): TemplateResult {
  const pair = mark?.as === 'flipped' ? flipped(made) : made
  const { images, prompt, context, chosen, rejected, chosenScore, rejectedScore, gap, rule, thumbnail } = pair
  const { first, second } = wordDiff(chosen, rejected)
  return html`<tr class=${mark?.as ?? ''}>
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
    ${
      mark
        ? html`<td data-name="By hand" class="by-hand">
            ${mark.note === undefined ? nothing : html`<span class="standing">${mark.note}</span>`} ${mark.actions}
          </td>`
        : nothing
    }
  </tr>`
}

function flipped(pair: PairRow): PairRow {
  const { chosen, rejected, chosenScore, rejectedScore, gap } = pair
  return {
    ...pair,
    chosen: rejected,
    rejected: chosen,
    chosenScore: rejectedScore,
    rejectedScore: chosenScore,
    gap: -gap,
  }
}

function textView(pieces: readonly DiffPiece[], side: 'chosen' | 'rejected'): TemplateResult {
  if (pieces.every(({ text }) => text.trim() === '')) return html`<i class="empty">ends the answer</i>`
  return html`${pieces.map(({ text, isShared }) => {
    if (isShared) return text
    const word = text.trimEnd()
    return html`<mark class=${side}>${word}</mark>${text.slice(word.length)}`
  })}`
}
