import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { Thumbnails } from './thumbnails.ts'

/** `<picture-thumb>`: the small copy of a stored picture, square; its name is its text for screen readers. */
export class PictureThumb extends LitElement {
  static override properties = {
    thumbnails: { attribute: false },
    hash: {},
    name: {},
    src: { state: true },
  }
  declare thumbnails: Thumbnails | undefined
  declare hash: string
  declare name: string
  declare src: string | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('hash') || changed.has('thumbnails')) void this.#load()
  }

  override render() {
    return this.src === undefined ? nothing : html`<img src=${this.src} alt=${this.name ?? ''} />`
  }

  async #load(): Promise<void> {
    const { hash, thumbnails } = this
    this.src = undefined
    const src = await thumbnails?.url(hash)
    if (hash === this.hash) this.src = src
  }

  static override styles = css`
    :host {
      display: block;
      aspect-ratio: 1;
      overflow: hidden;
      border-radius: 8px;
      background: var(--line);
    }
    img {
      display: block;
      width: 100%;
      height: 100%;
      object-fit: cover;
    }
  `
}

customElements.define('picture-thumb', PictureThumb)
