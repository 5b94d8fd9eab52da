import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import type { RunSources } from '../pipeline/sources.ts'
import type { AskedPicture } from './asked-picture.ts'
import { askingStyles, askingView } from './asking-view.ts'
import type { GridPicture } from './dataset-grid.ts'
import './dataset-grid.ts'
import './picture-giver.ts'
import { Questioner } from './questioner.ts'
import type { MadeScene } from './scene/scene-maker.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

/** Where pictures come from. */
type Source = 'heldout' | 'own' | 'scene'

const SOURCES: readonly (readonly [Source, string])[] = [
  ['heldout', 'Pictures it was not trained on'],
  ['scene', 'Make a scene'],
  ['own', 'A picture of mine'],
]

/**
 * `<try-it>`: any picture and any prompt, answered by the model as it was and as the run has made it; where it is known what is in
 * the picture, invented words are marked.
 */
export class TryIt extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    run: {},
    sources: { attribute: false },
    hash: {},
    news: {},
    prompt: {},
    locked: { type: Boolean },
    source: { state: true },
    asked: { state: true },
  }
  declare runner: Pick<RunnerApi, 'ask' | 'stopAsking' | 'pictures'> | undefined
  declare thumbnails: Thumbnails | undefined
  /** Id of a run that has been trained. */
  declare run: string | undefined
  declare sources: RunSources
  /** Of the held-out pictures' output; empty where there is none. `news` changes when there may be more of them. */
  declare hash: string
  declare news: string
  declare prompt: string
  /** While a run is under way. */
  declare locked: boolean
  declare source: Source
  declare asked: AskedPicture | undefined
  readonly #questioner = new Questioner(this, () => this)

  constructor() {
    super()
    this.prompt = ''
    this.source = 'heldout'
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('paste', this.#pasted)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('paste', this.#pasted)
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('hash')) void this.#chooseFirst()
  }

  override render() {
    const { source, asked } = this
    return html`
      <fieldset class="sources">
        <legend class="visually-hidden">Ask about</legend>
        ${SOURCES.map(
          ([value, name]) => html`<label
            ><input
              type="radio"
              name="source"
              .checked=${value === source}
              @change=${() => this.#turnTo(value)}
            />${name}</label
          >`,
        )}
      </fieldset>
      <div @dragover=${(event: Event) => event.preventDefault()} @drop=${this.#dropped}>
        ${
          source === 'scene'
            ? html`<scene-maker .site=${this.sources.site} @scene=${this.#made}>${this.#asking()}</scene-maker>`
            : html`<div class="whole">
                <div class="side">
                  ${this.#picture()}
                  ${source === 'own' ? html`<picture-giver @given=${(event: CustomEvent<File>) => this.#file(event.detail)}></picture-giver>` : nothing}
                </div>
                ${this.#asking()}
              </div>`
        }
      </div>
      ${
        source === 'heldout' && this.hash
          ? html`<dataset-grid
              .runner=${this.runner}
              .thumbnails=${this.thumbnails}
              .hash=${this.hash}
              .news=${this.news}
              .selected=${asked?.kind === 'stored' ? asked.picture.hash : ''}
              @picture=${this.#chosen}
            ></dataset-grid>`
          : nothing
      }
    `
  }

  #picture(): TemplateResult {
    const { asked, source } = this
    const fits = source === 'own' ? asked?.kind === 'file' : asked?.kind === 'stored'
    if (!fits || !asked || asked.kind === 'scene' || !asked.url)
      return html`<p class="empty soft">
        ${source === 'own' ? 'Drop or paste a picture here, or choose one below.' : 'Choose a picture below.'}
      </p>`
    const name = asked.kind === 'file' ? asked.file.name : asked.picture.name
    return html`<img src=${asked.url} alt=${name} />`
  }

  #asking(): TemplateResult {
    const { asked, prompt, locked } = this
    return askingView({
      questioner: this.#questioner,
      asked,
      prompt,
      locked,
      setPrompt: (text) => {
        this.prompt = text
      },
    })
  }

  #turnTo(source: Source): void {
    this.source = source
    this.#forget()
    if (source === 'heldout') void this.#chooseFirst()
    // Only who comes here needs their code.
    if (source === 'scene') void import('./scene/scene-maker.ts')
  }

  readonly #chosen = (event: CustomEvent<GridPicture>): void => {
    event.stopPropagation()
    const picture = event.detail
    void this.thumbnails?.url(picture.hash).then((url) => {
      this.#show({ kind: 'stored', picture, url })
    })
  }

  /** So that one click is enough; nothing is asked yet. */
  async #chooseFirst(): Promise<void> {
    const { hash, asked } = this
    if (!hash || asked) return
    const [picture] = (await this.runner?.pictures(hash, 0, 1))?.items ?? []
    const url = picture && (await this.thumbnails?.url(picture.hash))
    if (picture && !this.asked && this.source === 'heldout') this.asked = { kind: 'stored', picture, url }
  }

  readonly #dropped = (event: DragEvent): void => {
    event.preventDefault()
    this.#file(event.dataTransfer?.files[0])
  }

  readonly #pasted = (event: ClipboardEvent): void => this.#file(event.clipboardData?.files[0])

  #file(file: File | undefined): void {
    if (!file?.type.startsWith('image/')) return
    if (this.source !== 'own') this.#turnTo('own')
    this.#show({ kind: 'file', file, url: URL.createObjectURL(file) })
  }

  /** Nothing is asked before the scene is whole. */
  readonly #made = (event: CustomEvent<MadeScene>): void => {
    this.asked = { kind: 'scene', ...event.detail }
  }

  #show(asked: AskedPicture): void {
    this.#forget()
    this.asked = asked
    void this.#questioner.ask()
  }

  #forget(): void {
    if (this.asked?.kind === 'file') URL.revokeObjectURL(this.asked.url)
    this.asked = undefined
  }

  static override styles = [
    sharedStyles,
    askingStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .sources { display: flex; flex-wrap: wrap; gap: 0.375rem; min-width: 0; margin: 0; padding: 0; border: 0; }
      .sources label { position: relative; display: block; padding: 0.3125rem 0.875rem; border: 1px solid var(--edge); border-radius: 2rem; cursor: pointer; }
      .sources label:has(:checked) { border-color: transparent; background: var(--accent); color: var(--on-accent); }
      .sources label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
      .sources input { position: absolute; opacity: 0; pointer-events: none; }
      .whole { display: grid; grid-template-columns: minmax(10rem, 16rem) 1fr; gap: 1.5rem; }
      img, .empty { width: 100%; aspect-ratio: 1; border-radius: 11px; object-fit: contain; background: var(--paper); }
      .empty { display: grid; place-items: center; padding: 1rem; border: 1px dashed var(--edge); text-align: center; }
      @media (max-width: 40rem) { .whole { grid-template-columns: 1fr; } }
    `,
  ]
}

customElements.define('try-it', TryIt)
