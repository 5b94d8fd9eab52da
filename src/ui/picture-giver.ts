import { css, html, LitElement, nothing } from 'lit'
import './camera-shot.ts'
import { hasCamera } from './camera-shot.ts'
import { sharedStyles } from './shared-styles.ts'

/** `<picture-giver>`: a picture of the visitor's, from a file or the camera. A `given` event (`CustomEvent<File>`) carries it. */
export class PictureGiver extends LitElement {
  static override properties = { isFilming: { state: true } }
  declare isFilming: boolean

  constructor() {
    super()
    this.isFilming = false
  }

  override render() {
    if (this.isFilming)
      return html`<camera-shot
        @shot=${(event: CustomEvent<File>) => {
          this.isFilming = false
          this.#give(event.detail)
        }}
        @close=${() => {
          this.isFilming = false
        }}
      ></camera-shot>`
    return html`
      <label class="file">Choose a picture
        <input class="visually-hidden" type="file" accept="image/*" @change=${this.#picked} />
      </label>
      ${
        hasCamera()
          ? html`<button
              @click=${() => {
                this.isFilming = true
              }}
            >
              Use the camera
            </button>`
          : nothing
      }
      <p class="small soft">It stays in this browser. The page’s own model knows emoji scenes only.</p>
    `
  }

  readonly #picked = (event: Event): void => {
    const [file] = (event.target as HTMLInputElement).files ?? []
    if (file) this.#give(file)
  }

  #give(file: File): void {
    this.dispatchEvent(new CustomEvent('given', { detail: file }))
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; align-items: stretch; }
      .file { text-align: center; }
    `,
  ]
}

customElements.define('picture-giver', PictureGiver)
