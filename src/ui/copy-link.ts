import { css, html, LitElement, nothing } from 'lit'
import { sharedStyles } from './shared-styles.ts'

/** How long it is told that the link has been copied, in milliseconds. */
const TOLD_MS = 4000

/** `<copy-link>`: a button that puts a link on the clipboard; where the browser does not allow that, it shows the link. */
export class CopyLink extends LitElement {
  static override properties = {
    link: { attribute: false },
    isCopied: { state: true },
    shown: { state: true },
  }
  /** Makes the link. */
  declare link: () => Promise<string>
  declare isCopied: boolean
  /** The link, where it could not be copied. */
  declare shown: string | undefined

  override render() {
    return html`
      <button class="quiet" @click=${this.#copy}>Copy link</button>
      <span role="status" class="small soft">${this.isCopied ? 'Copied.' : nothing}</span>
      ${
        this.shown === undefined
          ? nothing
          : html`<label class="small">Copy this: <input readonly .value=${this.shown} @focus=${this.#select} /></label>`
      }
    `
  }

  readonly #copy = async (): Promise<void> => {
    const link = await this.link()
    try {
      await navigator.clipboard.writeText(link)
      this.shown = undefined
      this.isCopied = true
      setTimeout(() => {
        this.isCopied = false
      }, TOLD_MS)
    } catch {
      // No clipboard without encryption, or not allowed: the visitor copies it.
      this.shown = link
      await this.updateComplete
      this.renderRoot.querySelector('input')?.focus()
    }
  }

  readonly #select = (event: Event): void => (event.target as HTMLInputElement).select()

  static override styles = [
    sharedStyles,
    css`
      :host { display: inline-flex; flex-wrap: wrap; gap: 0.375rem; align-items: center; }
      button { font-size: 0.9375rem; }
      input { width: 14rem; max-width: 100%; }
    `,
  ]
}

customElements.define('copy-link', CopyLink)
