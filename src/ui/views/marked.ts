import { html, type TemplateResult } from 'lit'
import type { MarkedText } from '../../evaluate/mark.ts'

/** A caption whose nouns are marked: grounded underlined and green, invented struck out and red; screen readers are told. */
export function markedView(pieces: readonly MarkedText[]): TemplateResult {
  if (pieces.length === 0) return html`<i class="empty">says nothing</i>`
  return html`${pieces.map(({ text, verdict }) => {
    if (verdict === 'hallucinated')
      return html`<del class="hallucinated" title="not in the picture"><span class="visually-hidden">invented: </span>${text}</del>`
    if (verdict === 'grounded') return html`<ins class="grounded" title="in the picture">${text}</ins>`
    return verdict === undefined ? text : html`<span title="not counted">${text}</span>`
  })}`
}
