import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { ShownAnswer } from '../pipeline/runner.api.ts'
import { sharedStyles } from './shared-styles.ts'
import { segmentsOf } from './token-segments.ts'
import { viewStyles } from './view-styles.ts'
import { markedView } from './views/marked.ts'

/**
 * `<answer-text>`: an answer with its invented words marked where the truth is known. Once it is whole, pointing at a word (or the
 * arrow keys) tells how likely it was, and what might have stood there.
 */
export class AnswerText extends LitElement {
  static override properties = {
    answer: { attribute: false },
    name: {},
    active: { state: true },
  }
  declare answer: ShownAnswer | undefined
  /** Whose answer it is, for screen readers. */
  declare name: string
  /** Number of the token that is looked at. */
  declare active: number | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('answer')) this.active = undefined
  }

  override render() {
    const { answer } = this
    if (!answer) return nothing
    const { text, marked, tokens } = answer
    if (!tokens) return html`<p class="text">${marked ? markedView(marked) : text}</p>`
    return html`
      <div
        class="text whole"
        role="group"
        tabindex="0"
        aria-label=${`${this.name}, word by word: arrow keys tell how likely each was`}
        @keydown=${this.#moved}
        @pointerover=${this.#pointed}
        @pointerleave=${() => this.#leave()}
        @focus=${() => this.#look(this.active ?? 0)}
        @blur=${() => this.#leave()}
      >${segmentsOf(marked ?? [{ text }], tokens).map(({ verdict, segments }) => {
        const words = segments.map(({ text: part, token }) => this.#word(part, token))
        if (verdict === 'hallucinated')
          return html`<del class="hallucinated"><span class="visually-hidden">invented: </span>${words}</del>`
        return verdict === 'grounded' ? html`<ins class="grounded">${words}</ins>` : words
      })}${tokens.map(({ text: part }, i) => (part === '' ? this.#word('■', i, 'end') : nothing))}</div>
      <div class="detail small" role="status">${this.#detail()}</div>
    `
  }

  #word(text: string, token: number, kind = '') {
    const { logprob = 0 } = this.answer?.tokens?.[token] ?? {}
    return html`<span data-token=${token} class=${`word ${kind} ${token === this.active ? 'active' : ''}`} style="--doubt: ${(1 - Math.exp(logprob)).toFixed(3)}">${text}</span>`
  }

  #detail() {
    const token = this.active === undefined ? undefined : this.answer?.tokens?.[this.active]
    if (!token)
      return html`<span class="soft">Point at a word, or use the arrow keys: how likely it was, and what else might have stood there. The darker the line, the more doubt.</span>`
    const others = token.top.filter(({ text }) => text !== token.text)
    return html`<ul>
      ${[token, ...others].map(
        ({ text, logprob }, i) => html`<li class=${i === 0 ? 'written' : ''}>
          <span class="token">${shown(text)}</span>
          <span class="bar" aria-hidden="true"><i style="width: ${(100 * Math.exp(logprob)).toFixed(1)}%"></i></span>
          <span class="numbers">${percent(logprob)}</span>
        </li>`,
      )}
    </ul>`
  }

  readonly #pointed = (event: Event): void => {
    const word = (event.target as Element).closest<HTMLElement>('[data-token]')
    if (word) this.active = Number(word.dataset.token)
  }

  readonly #moved = (event: KeyboardEvent): void => {
    const last = (this.answer?.tokens?.length ?? 0) - 1
    const at = this.active ?? 0
    const to: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: last,
    }
    const next = to[event.key]
    if (next === undefined) return
    event.preventDefault()
    this.#look(Math.min(last, Math.max(0, next)))
  }

  #look(token: number): void {
    this.active = token
  }

  /** What has the focus stays looked at. */
  #leave(): void {
    if (!this.renderRoot.querySelector('.whole:focus')) this.active = undefined
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      .text { margin: 0; overflow-wrap: anywhere; }
      .whole { cursor: default; border-radius: 4px; line-height: 2; }
      .word { padding-bottom: 0.3em; box-shadow: inset 0 -3px color-mix(in srgb, var(--slow) calc(var(--doubt) * 100%), transparent); }
      .word.active { border-radius: 3px; outline: 2px solid var(--accent); }
      .word.end { margin-left: 0.25rem; font-size: 0.75rem; color: var(--ink-soft); }
      .detail { min-height: 8.5rem; margin-top: 0.5rem; padding-top: 0.5rem; border-top: 1px solid var(--line); line-height: 1.45; }
      ul { margin: 0; padding: 0; list-style: none; }
      li { display: grid; grid-template-columns: minmax(5rem, 9rem) 1fr 3.5rem; gap: 0.5rem; align-items: center; }
      li.written .token { font-weight: 600; }
      .token { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
      .bar { height: 0.375rem; border-radius: 1rem; background: var(--line); overflow: hidden; }
      .bar i { display: block; height: 100%; background: var(--accent); }
      li .numbers { text-align: right; }
    `,
  ]
}

/** A token for people. */
function shown(text: string): string {
  if (text === '') return '(ends here)'
  return text.trim() === '' ? '(space)' : text.trim()
}

function percent(logprob: number): string {
  const share = 100 * Math.exp(logprob)
  return share < 0.1 ? '<0.1%' : `${share.toFixed(1)}%`
}

customElements.define('answer-text', AnswerText)
