import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { PairPreview, RunnerApi } from '../pipeline/runner.api.ts'
import './pair-edits-list.ts'
import { isStop, plainProblem } from './problems.ts'
import { type Json, valueAt, withValueAt } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'
import { viewStyles } from './view-styles.ts'
import { funnelView } from './views/funnel.ts'

/** A setting that is tried by dragging. */
interface Slider {
  readonly path: string
  readonly label: string
  readonly min: number
  readonly max: number
  readonly step: number
  /** What the leftmost place means where the setting can be off. */
  readonly off?: string
  readonly meaning: string
}

const SLIDERS: readonly Slider[] = [
  {
    path: 'pair.minGap',
    label: 'Least gap',
    min: 0,
    max: 15,
    step: 0.25,
    meaning: 'how much better CLIP must find the chosen text',
  },
  {
    path: 'pair.minScore',
    label: 'Least score',
    min: -1,
    max: 60,
    step: 1,
    off: 'off',
    meaning: 'texts that fit worse than this go',
  },
  {
    path: 'pair.minLengthRatio',
    label: 'Length ratio',
    min: 0,
    max: 1,
    step: 0.05,
    meaning: 'the shorter text over the longer one, at least',
  },
]

/** What the settings are where a recipe does not say. */
const DEFAULTS: Readonly<Record<string, number | null>> = {
  'pair.minGap': 2,
  'pair.minScore': null,
  'pair.minLengthRatio': 0.6,
}

/**
 * `<pair-panel>`: the rules' funnel, and sliders that show at once what other settings would keep. Nothing is run: a `recipe`
 * event (`CustomEvent<Json>`) carries the recipe with what the sliders say.
 */
export class PairPanel extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    hash: {},
    round: { type: Number },
    recipe: { attribute: false },
    locked: { type: Boolean },
    preview: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'previewPairs'> | undefined
  declare thumbnails: Thumbnails | undefined
  /** Of the score stage's output; empty while there is none that is finished. */
  declare hash: string
  /** Of the scores. Default 1. */
  declare round: number
  declare recipe: Json
  declare locked: boolean
  declare preview: PairPreview | undefined
  declare problem: string | undefined

  constructor() {
    super()
    this.round = 1
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('hash')) this.preview = undefined
    if (changed.has('hash') || changed.has('recipe')) void this.#count()
  }

  override render() {
    const { preview, problem } = this
    return html`
      <div class="sliders">${SLIDERS.map((slider) => this.#slider(slider))}</div>
      <p role="status" class="numbers">
        ${preview ? html`<strong>${preview.pairs.toLocaleString('en')} pairs</strong> of ${preview.candidates.toLocaleString('en')} candidates` : nothing}
      </p>
      ${problem ? html`<p class="problem">${problem}</p>` : nothing}
      <pair-edits-list
        .thumbnails=${this.thumbnails}
        .recipe=${this.recipe}
        .unmatched=${preview?.unmatchedEdits ?? []}
        .locked=${this.locked}
      ></pair-edits-list>
      ${preview ? funnelView(preview.funnel, preview.settings) : nothing}
    `
  }

  #slider({ path, label, min, max, step, off, meaning }: Slider) {
    const set = valueAt(this.recipe, path)
    const value = set === undefined ? DEFAULTS[path] : (set as number | null)
    const place = value ?? min
    const shown = off !== undefined && place <= min ? off : String(place)
    return html`<label>
      <span class="row"><span>${label}</span> <output class="numbers">${shown}</output></span>
      <input
        type="range"
        min=${min}
        max=${max}
        step=${step}
        .value=${String(place)}
        aria-valuetext=${shown}
        ?disabled=${this.locked}
        @input=${(event: Event) => {
          const chosen = Number((event.target as HTMLInputElement).value)
          this.#tell(withValueAt(this.recipe, path, off !== undefined && chosen <= min ? null : chosen))
        }}
      />
      <span class="small soft">${meaning}</span>
    </label>`
  }

  async #count(): Promise<void> {
    if (!this.hash || !this.runner) return
    try {
      this.preview = await this.runner.previewPairs(this.hash, this.recipe.pair ?? {}, this.round)
      this.problem = undefined
    } catch (error) {
      if (!isStop(error)) this.problem = plainProblem(error)
    }
  }

  #tell(recipe: Json): void {
    this.dispatchEvent(new CustomEvent('recipe', { detail: recipe, bubbles: true, composed: true }))
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      .sliders { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.5rem 1.5rem; }
      label { display: flex; flex-direction: column; }
      label .row { justify-content: space-between; }
      output { font-weight: 600; }
      label .small { line-height: 1.35; }
    `,
  ]
}

customElements.define('pair-panel', PairPanel)
