import { html, nothing, type TemplateResult } from 'lit'
import { formatCount } from './views/format.ts'

export interface Pages {
  /** Of the first that is shown. */
  readonly start: number
  /** Most on a page. */
  readonly size: number
  readonly count: number
  /** What is counted, in the plural. */
  readonly unit: string
  /** Shows from another one on. */
  readonly turn: (start: number) => void
}

/** Which of many are shown, and buttons to the ones before and after; nothing where one page has all. */
export function pagerView({ start, size, count, unit, turn }: Pages): TemplateResult | typeof nothing {
  if (count <= size) return nothing
  const end = Math.min(count, start + size)
  const button = (name: string, to: number, isThere: boolean): TemplateResult =>
    html`<button class="small" ?disabled=${!isThere} aria-label=${`${name} ${unit}`} @click=${() => turn(to)}>${name}</button>`
  return html`<div class="row pager">
    ${button('Previous', Math.max(0, start - size), start > 0)}
    <span class="small numbers" role="status">${formatCount(start + 1)} to ${formatCount(end)} of ${formatCount(count)} ${unit}</span>
    ${button('Next', end, end < count)}
  </div>`
}
