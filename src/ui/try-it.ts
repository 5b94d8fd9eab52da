import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { FileSpec } from '../data/folder.ts'
import type { RunnerApi, TwoAnswers } from '../pipeline/runner.api.ts'
import type { RunSources } from '../pipeline/sources.ts'
import type { GridPicture } from './dataset-grid.ts'
import './dataset-grid.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

/** The picture that is asked about. */
type Asked =
  | { readonly kind: 'stored'; readonly picture: GridPicture; readonly url: string | undefined }
  | { readonly kind: 'file'; readonly file: File; readonly url: string }

/** `<try-it>`: any picture and any prompt, answered by the model as it was and as the run has made it. */
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
    asked: { state: true },
    answers: { state: true },
    strength: { state: true },
    isAsking: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'ask' | 'pictures'> | undefined
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
  declare asked: Asked | undefined
  declare answers: TwoAnswers | undefined
  declare strength: number
  declare isAsking: boolean
  declare problem: string | undefined

  constructor() {
    super()
    this.strength = 1
    this.isAsking = false
    this.prompt = ''
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('hash')) void this.#chooseFirst()
    if (changed.has('run')) {
      this.answers = undefined
      this.problem = undefined
    }
  }

  override render() {
    const { answers, asked } = this
    return html`
      <div class="whole" @dragover=${(event: Event) => event.preventDefault()} @drop=${this.#dropped} @paste=${this.#pasted}>
        <div class="side">
          ${
            asked?.url
              ? html`<img src=${asked.url} alt=${asked.kind === 'file' ? asked.file.name : asked.picture.name} />`
              : html`<p class="empty soft">Choose a picture below, drop or paste one here.</p>`
          }
          <label class="file">Another picture
            <input class="visually-hidden" type="file" accept="image/*" @change=${this.#picked} />
          </label>
        </div>
        <div class="side">
          <label>Prompt <input .value=${this.prompt} @change=${(event: Event) => {
            this.prompt = (event.target as HTMLInputElement).value
          }} /></label>
          <label>
            <span class="row"><span>Strength of what was learned</span> <output class="numbers">${this.strength.toFixed(2)}</output></span>
            <input type="range" min="0" max="1.5" step="0.05" .value=${String(this.strength)}
              @input=${(event: Event) => {
                this.strength = Number((event.target as HTMLInputElement).value)
              }} @change=${() => this.#ask()} />
            <span class="small soft">0 is the model as it was, 1 as trained, more exaggerates.</span>
          </label>
          <div class="row">
            <button class="primary" ?disabled=${this.locked || this.isAsking || !asked} @click=${() => this.#ask()}>
              ${this.isAsking ? 'Answering …' : 'Ask both'}
            </button>
            ${this.locked ? html`<span class="small soft">Once the run has ended.</span>` : nothing}
          </div>
          ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
          <div class="answers" aria-live="polite" aria-busy=${this.isAsking}>
            <div><h3>As it was</h3><p>${answers?.base ?? nothing}</p></div>
            <div><h3>After training</h3><p>${answers?.tuned ?? nothing}</p></div>
          </div>
          ${
            asked?.kind === 'stored' && asked.picture.truth
              ? html`<p class="small soft">In the picture: ${asked.picture.truth.truth.join(', ')}.</p>`
              : nothing
          }
        </div>
      </div>
      ${
        this.hash
          ? html`<details open>
              <summary>Pictures it was not trained on</summary>
              <dataset-grid .runner=${this.runner} .thumbnails=${this.thumbnails} .hash=${this.hash} .news=${this.news}
                .selected=${asked?.kind === 'stored' ? asked.picture.hash : ''} @picture=${this.#chosen}></dataset-grid>
            </details>`
          : nothing
      }
    `
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
    if (picture && !this.asked) this.asked = { kind: 'stored', picture, url }
  }

  readonly #picked = (event: Event): void => this.#file((event.target as HTMLInputElement).files?.[0])

  readonly #dropped = (event: DragEvent): void => {
    event.preventDefault()
    this.#file(event.dataTransfer?.files[0])
  }

  readonly #pasted = (event: ClipboardEvent): void => this.#file(event.clipboardData?.files[0])

  #file(file: File | undefined): void {
    if (file?.type.startsWith('image/')) this.#show({ kind: 'file', file, url: URL.createObjectURL(file) })
  }

  #show(asked: Asked): void {
    if (this.asked?.kind === 'file') URL.revokeObjectURL(this.asked.url)
    this.asked = asked
    this.answers = undefined
    void this.#ask()
  }

  async #ask(): Promise<void> {
    const { runner, run, asked, sources, prompt, strength } = this
    if (!runner || !run || !asked || this.isAsking || this.locked) return
    this.isAsking = true
    this.problem = undefined
    try {
      const picture: FileSpec | { hash: string } =
        asked.kind === 'file' ? { name: asked.file.name, blob: asked.file } : { hash: asked.picture.hash }
      this.answers = await runner.ask({ run, sources, picture, prompt, strength }, (answers) => {
        this.answers = answers
      })
    } catch (error) {
      this.problem = plainProblem(error)
    } finally {
      this.isAsking = false
    }
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .whole { display: grid; grid-template-columns: minmax(10rem, 16rem) 1fr; gap: 1.5rem; }
      .side { display: flex; flex-direction: column; gap: 0.75rem; align-items: stretch; }
      img, .empty { width: 100%; aspect-ratio: 1; border-radius: 11px; object-fit: contain; background: var(--paper); }
      .empty { display: grid; place-items: center; padding: 1rem; border: 1px dashed var(--edge); text-align: center; }
      label:not(.file) { display: flex; flex-direction: column; gap: 0.1875rem; }
      label .row { justify-content: space-between; }
      .file { padding: 0.3125rem 0.75rem; border: 1px solid var(--edge); border-radius: 9px; cursor: pointer; text-align: center; }
      .file:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
      .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.75rem; }
      .answers > div { padding: 0.75rem 1rem; min-height: 6rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); }
      h3 { font-size: 0.875rem; font-weight: 400; color: var(--ink-soft); }
      summary { width: fit-content; color: var(--accent); }
      dataset-grid { margin-top: 0.75rem; }
      @media (max-width: 40rem) { .whole { grid-template-columns: 1fr; } }
    `,
  ]
}

customElements.define('try-it', TryIt)
