import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { KEPT_MB } from './kept-size.ts'
import type { OfflineCopy } from './offline-copy.ts'
import { sharedStyles } from './shared-styles.ts'

const TEXTS = {
  absent: '',
  unasked: `This page and its demo can be kept in this browser (${KEPT_MB} MB), so that they work without network.`,
  keeping: `This page and its demo are being kept in this browser (${KEPT_MB} MB), so that they work without network …`,
  kept: `Works without network: this page and its demo are kept in this browser (${KEPT_MB} MB).`,
  failed: 'This page could not be kept for use without network; the next visit tries again.',
} as const
const SLOW =
  'Where it came from, the headers are missing that let WASM use several threads; the kept copy has them: reload the page for its full speed.'

/** `<offline-note>`: whether the page works without network, and, when there is a new version of it, the button that takes it. */
export class OfflineNote extends LitElement {
  static override properties = {
    copy: { attribute: false },
    runner: { attribute: false },
    isHeld: { state: true },
  }
  declare copy: OfflineCopy | undefined
  declare runner: Pick<RunnerApi, 'isAnyOpen'> | undefined
  /** Whether a run stood in the way of the new version. */
  declare isHeld: boolean
  #heard: OfflineCopy | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('copy')) return
    this.#heard?.removeEventListener('change', this.#changed)
    this.#heard = this.copy
    this.#heard?.addEventListener('change', this.#changed)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#heard?.removeEventListener('change', this.#changed)
    this.#heard = undefined
  }

  override render() {
    const state = this.copy?.state ?? 'absent'
    if (state !== 'newer' && state !== 'replaced')
      return html`<p class="small soft" role="status">
        ${TEXTS[state]} ${state === 'kept' && !crossOriginIsolated ? SLOW : nothing}
      </p>
      ${state === 'unasked' ? html`<button class="small" @click=${this.#keep}>Keep it</button>` : nothing}`
    return html`
      <section class="bar" aria-label="New version">
        <p role="status">
          ${state === 'newer' ? 'There is a new version of this page.' : 'This page has a new version, which another tab has taken.'}
          ${this.isHeld ? html`<span class="soft">A run is open here or in another tab: let it end, or stop it, first.</span>` : nothing}
        </p>
        <button class="primary" @click=${this.#take}>${state === 'newer' ? 'Use it' : 'Load it'}</button>
      </section>
    `
  }

  readonly #changed = (): void => this.requestUpdate()

  readonly #keep = (): void => void this.copy?.keep(document.baseURI, true)

  readonly #take = async (): Promise<void> => {
    this.isHeld = (await this.runner?.isAnyOpen()) ?? false
    if (!this.isHeld) this.copy?.take()
  }

  static override styles = [
    sharedStyles,
    css`
      .bar {
        position: fixed;
        z-index: 3;
        right: 1rem;
        bottom: 1rem;
        left: 1rem;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 0.5rem 1rem;
        max-width: 34rem;
        margin-inline: auto;
        padding: 0.75rem 0.75rem 0.75rem 1.25rem;
        background: var(--card);
        border: 1px solid var(--edge);
        border-radius: 14px;
        box-shadow: 0 4px 18px light-dark(#0003, #0009);
      }
      .bar p { flex: 1 1 14rem; }
    `,
  ]
}

customElements.define('offline-note', OfflineNote)
