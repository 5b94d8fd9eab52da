import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { FileSpec } from '../data/folder.ts'
import type { AmberTruth } from '../evaluate/amber.ts'
import type { RunnerApi, ShownAnswer, TwoAnswers } from '../pipeline/runner.api.ts'
import type { RunSources } from '../pipeline/sources.ts'
import './answer-text.ts'
import './camera-shot.ts'
import { hasCamera } from './camera-shot.ts'
import type { GridPicture } from './dataset-grid.ts'
import './dataset-grid.ts'
import { plainProblem } from './problems.ts'
import type { MadeScene } from './scene/scene-maker.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

/** The picture that is asked about. */
type Asked =
  | { readonly kind: 'stored'; readonly picture: GridPicture; readonly url: string | undefined }
  | { readonly kind: 'file'; readonly file: File; readonly url: string }
  | ({ readonly kind: 'scene' } & MadeScene)

/** Where pictures come from. */
type Source = 'heldout' | 'own' | 'scene'

const SOURCES: readonly (readonly [Source, string])[] = [
  ['heldout', 'Pictures it was not trained on'],
  ['scene', 'Make a scene'],
  ['own', 'A picture of mine'],
]

/** The embedded data set whose nouns are those of the scene maker. */
const SCENE_WORLD = 'emoji-scenes'

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
    answers: { state: true },
    strength: { state: true },
    isAsking: { state: true },
    isFilming: { state: true },
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
  declare source: Source
  declare asked: Asked | undefined
  declare answers: TwoAnswers | undefined
  declare strength: number
  declare isAsking: boolean
  declare isFilming: boolean
  declare problem: string | undefined

  constructor() {
    super()
    this.strength = 1
    this.isAsking = false
    this.isFilming = false
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
    if (changed.has('run') || changed.has('runner')) {
      this.answers = undefined
      this.problem = undefined
    }
  }

  override render() {
    const { source } = this
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
            ? html`<scene-maker .site=${this.sources.site} @scene=${this.#made}
                >${this.#asking()}</scene-maker
              >`
            : html`<div class="whole">
                <div class="side">${this.#picture()} ${source === 'own' ? this.#giving() : nothing}</div>
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
              .selected=${this.asked?.kind === 'stored' ? this.asked.picture.hash : ''}
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

  /** Ways to give a picture of one's own. */
  #giving() {
    if (this.isFilming)
      return html`<camera-shot
        @shot=${(event: CustomEvent<File>) => {
          this.isFilming = false
          this.#file(event.detail)
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
      <p class="small soft">It stays in this browser. The embedded model knows emoji scenes only.</p>
    `
  }

  #asking() {
    const { answers, asked, strength, isAsking, locked } = this
    const truth = truthOf(asked)
    return html`<div class="side">
      <div class="asking">
      <label>Prompt
        <input
          .value=${this.prompt}
          @change=${(event: Event) => {
            this.prompt = (event.target as HTMLInputElement).value
          }}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key !== 'Enter') return
            this.prompt = (event.target as HTMLInputElement).value
            void this.#ask()
          }}
        />
      </label>
      <label>
        <span class="row"><span>Strength of what was learned</span> <output class="numbers">${strength.toFixed(2)}</output></span>
        <input
          type="range"
          min="0"
          max="1.5"
          step="0.05"
          .value=${String(strength)}
          @input=${(event: Event) => {
            this.strength = Number((event.target as HTMLInputElement).value)
          }}
          @change=${() => this.#ask()}
        />
        <span class="small soft">0 is the model as it was, 1 as trained, more exaggerates.</span>
      </label>
      </div>
      <div class="row">
        <button class="primary" ?disabled=${locked || isAsking || !asked} @click=${() => this.#ask()}>
          ${isAsking ? 'Answering …' : 'Ask both'}
        </button>
        ${locked ? html`<span class="small soft">Once the run has ended.</span>` : nothing}
      </div>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
      <div class="answers" aria-live="polite" aria-busy=${isAsking}>
        ${answerView('As it was', answers?.base)} ${answerView('After training', answers?.tuned)}
      </div>
      ${
        truth && asked?.kind !== 'scene'
          ? html`<p class="small soft">In the picture: ${truth.truth.join(', ')}.</p>`
          : nothing
      }
    </div>`
  }

  #turnTo(source: Source): void {
    this.source = source
    this.isFilming = false
    this.answers = undefined
    this.problem = undefined
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

  readonly #picked = (event: Event): void => this.#file((event.target as HTMLInputElement).files?.[0])

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

  /** What was said about the scene as it was is no longer true of it; nothing is asked before it is whole. */
  readonly #made = (event: CustomEvent<MadeScene>): void => {
    this.answers = undefined
    this.asked = { kind: 'scene', ...event.detail }
  }

  #show(asked: Asked): void {
    this.#forget()
    this.asked = asked
    this.answers = undefined
    void this.#ask()
  }

  #forget(): void {
    if (this.asked?.kind === 'file') URL.revokeObjectURL(this.asked.url)
    this.asked = undefined
  }

  async #ask(): Promise<void> {
    const { runner, run, asked, sources, prompt, strength } = this
    if (!runner || !run || !asked || this.isAsking || this.locked) return
    this.isAsking = true
    this.problem = undefined
    const shown = (answers: TwoAnswers): void => {
      if (asked === this.asked) this.answers = answers
    }
    try {
      const picture: FileSpec | { hash: string } =
        asked.kind === 'stored' ? { hash: asked.picture.hash } : { name: asked.file.name, blob: asked.file }
      const truth = truthOf(asked)
      shown(
        await runner.ask(
          {
            run,
            sources,
            picture,
            prompt,
            strength,
            ...(truth ? { truth: { truth: truth.truth, hallu: truth.hallu } } : {}),
            ...(asked.kind === 'scene' ? { world: SCENE_WORLD } : {}),
          },
          shown,
        ),
      )
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
      .sources { display: flex; flex-wrap: wrap; gap: 0.375rem; min-width: 0; margin: 0; padding: 0; border: 0; }
      .sources label { display: block; padding: 0.3125rem 0.875rem; border: 1px solid var(--edge); border-radius: 2rem; cursor: pointer; }
      .sources label:has(:checked) { border-color: transparent; background: var(--accent); color: var(--on-accent); }
      .sources label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
      .sources input { position: absolute; opacity: 0; pointer-events: none; }
      .whole { display: grid; grid-template-columns: minmax(10rem, 16rem) 1fr; gap: 1.5rem; }
      .side { display: flex; flex-direction: column; gap: 0.75rem; align-items: stretch; min-width: 0; }
      img, .empty { width: 100%; aspect-ratio: 1; border-radius: 11px; object-fit: contain; background: var(--paper); }
      .empty { display: grid; place-items: center; padding: 1rem; border: 1px dashed var(--edge); text-align: center; }
      .asking { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.75rem 1.25rem; }
      .asking label { display: flex; flex-direction: column; gap: 0.1875rem; }
      label .row { justify-content: space-between; }
      .file { padding: 0.3125rem 0.75rem; border: 1px solid var(--edge); border-radius: 9px; cursor: pointer; text-align: center; }
      .file:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
      .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.75rem; }
      .answers > div { padding: 0.75rem 1rem; min-height: 6rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); }
      h3 { font-size: 0.875rem; font-weight: 400; color: var(--ink-soft); }
      @media (max-width: 40rem) { .whole { grid-template-columns: 1fr; } }
    `,
  ]
}

function answerView(name: string, answer: ShownAnswer | undefined): TemplateResult {
  return html`<div>
    <h3>${name}</h3>
    <answer-text .name=${name} .answer=${answer}></answer-text>
  </div>`
}

/** What is known to be in a picture. */
function truthOf(asked: Asked | undefined): AmberTruth | undefined {
  if (asked?.kind === 'scene') return asked.truth
  return asked?.kind === 'stored' ? asked.picture.truth : undefined
}

customElements.define('try-it', TryIt)
