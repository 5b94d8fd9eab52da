import { html, type TemplateResult } from 'lit'
import type { Change } from '../../pipeline/examples.ts'
import type { Card, CardKind, CardSample } from '../../pipeline/run-view.ts'
import { formatCount } from './format.ts'
import { markedView } from './marked.ts'

const FILTERS: readonly (readonly [CardKind, string])[] = [
  ['all', 'All'],
  ['fixed', 'Fixed'],
  ['broken', 'Broken'],
  ['both', 'Unchanged: invents'],
  ['clean', 'Unchanged: clean'],
]

const CHANGES: Readonly<Record<Change, string>> = {
  fixed: 'fixed: invented before, nothing invented after',
  broken: 'broken: invents now and did not before',
  both: 'invents before and after',
  clean: 'invents nothing, before or after',
}

/**
 * Pictures with their captions before and after side by side. The filters are radio buttons that a style sheet obeys, so that
 * they work in a document without scripts as well.
 * @param filter which one is chosen at first. Default all. @param note which cards these are. Default so many of each kind.
 */
export function cardsView(
  { counts, cards }: CardSample,
  filter: CardKind = 'all',
  note?: string,
): TemplateResult {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const drawn = `${cards.length} of ${formatCount(total)} pictures, drawn at random from each kind.`
  return html`<div class="cards">
    <fieldset>
      <legend>Show</legend>
      ${FILTERS.map(
        ([value, name]) => html`<label
          ><input type="radio" name="card-filter" value=${value} ?checked=${value === filter} />${name}
          <span class="count">${formatCount(value === 'all' ? total : counts[value])}</span></label
        >`,
      )}
    </fieldset>
    <p class="note">
      ${note ?? (cards.length < total ? drawn : '')}
      <span class="key"><ins class="grounded">grounded</ins> is in the picture, <del class="hallucinated">invented</del>
      is not.</span>
    </p>
    <p class="none-of-kind">There are none.</p>
    <ul class="card-list">${cards.map(cardView)}</ul>
  </div>`
}

/** One picture: what it shows, and what the model said before and after. */
export function cardView({ image, truth, before, after, change, thumbnail }: Card): TemplateResult {
  const shown = truth.join(', ')
  return html`<li class="card" data-change=${change}>
    <div class="picture">
      ${
        thumbnail === undefined
          ? html`<span class="no-picture">no picture kept</span>`
          : html`<img src=${thumbnail} alt=${`shows ${shown}`} />`
      }
      <div>
        <p class="truth"><b>Shows</b> ${shown}</p>
        <p class="change ${change}">${CHANGES[change]}</p>
        <small>${image}</small>
      </div>
    </div>
    <div class="said"><p class="title">Before</p><p>${markedView(before)}</p></div>
    <div class="said"><p class="title">After</p><p>${markedView(after)}</p></div>
  </li>`
}
