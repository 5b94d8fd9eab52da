import { html, type TemplateResult } from 'lit'
import type { ShownCard, ShownSample } from '../../pipeline/shown-sample.ts'
import { formatCount, formatPictures } from './format.ts'
import { type DiffPiece, wordDiff } from './word-diff.ts'

/** What is said before and after of pictures about which nothing is judged; where the two differ is highlighted word by word. */
export function shownView({ source, images, trainedOn, cards }: ShownSample): TemplateResult {
  const some = cards.length < images ? `${formatCount(cards.length)} of ` : ''
  return html`<div class="cards">
    <p class="note">
      ${some}${formatPictures({ evaluated: images, trainedOn, source })}. Nothing here is judged: see for yourself
      what is still said after training and what no longer is.
    </p>
    <ul class="card-list">${cards.map(shownCard)}</ul>
  </div>`
}

function shownCard({ image, before, after, thumbnail }: ShownCard): TemplateResult {
  const { first, second } = wordDiff(before, after)
  return html`<li class="card">
    <div class="picture">
      ${
        thumbnail === undefined
          ? html`<span class="no-picture">no picture kept</span>`
          : html`<img src=${thumbnail} alt=${image} />`
      }
      <div>
        <p class="change">${before === after ? 'the same before and after' : 'changed'}</p>
        <small>${image}</small>
      </div>
    </div>
    <div class="said"><p class="title">Before</p><p>${differing(first)}</p></div>
    <div class="said"><p class="title">After</p><p>${differing(second)}</p></div>
  </li>`
}

function differing(pieces: readonly DiffPiece[]): TemplateResult {
  return html`${pieces.map(({ text, isShared }) => {
    if (isShared) return text
    const word = text.trimEnd()
    return html`<mark>${word}</mark>${text.slice(word.length)}`
  })}`
}
