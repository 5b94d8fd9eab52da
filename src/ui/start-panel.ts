import { css, html, LitElement, nothing } from 'lit'
import type { GivenPictures } from './given-pictures.ts'
import './how-it-works.ts'
import type { OwnPictures, PictureRole } from './own-pictures.ts'
import './picture-drop.ts'
import { sharedStyles } from './shared-styles.ts'

/** The recipes that come with the page, for people. */
const RECIPES = [
  { name: 'demo', title: 'Demo', text: '256 pictures, the settings that work best' },
  { name: 'smoke', title: 'Short', text: '48 pictures: a quick look at everything' },
  { name: 'paper', title: 'Paper', text: '640 pictures, the settings as published' },
] as const

/** Pictures for one purpose; none takes back those there were. */
export interface PicturesGiven {
  readonly role: PictureRole
  readonly pictures: GivenPictures | undefined
}

/**
 * `<start-panel>`: what this is, which recipe, and on which pictures. Dispatches `choose` (`CustomEvent<string>`, a recipe's
 * name), `run`, `given` (`CustomEvent<PicturesGiven>`), `pages-models`, and for the lists `runs` and `models`.
 */
export class StartPanel extends LitElement {
  static override properties = {
    chosen: {},
    own: { attribute: false },
    texts: { attribute: false },
    models: { attribute: false },
    locked: { type: Boolean },
    isLooking: { type: Boolean },
    isBlocked: { type: Boolean },
    hint: {},
  }
  /** Name of the recipe that is chosen; empty for one of the visitor's own. */
  declare chosen: string
  /** Pictures that were given. */
  declare own: OwnPictures
  /** What becomes of them, a sentence each; none where the recipe is not on them. */
  declare texts: readonly string[]
  /** What is said of models of the visitor's that the recipe is with; empty where it is with the page's own. */
  declare models: readonly string[]
  /** While a run is under way. */
  declare locked: boolean
  /** While pictures or a model that were given are looked through. */
  declare isLooking: boolean
  /** Whether this browser can run nothing at all. */
  declare isBlocked: boolean
  /** Why a run cannot be started; empty when it can. */
  declare hint: string

  constructor() {
    super()
    this.own = {}
    this.texts = []
    this.models = []
    this.hint = ''
  }

  override render() {
    const { own, locked, isLooking, hint } = this
    const isHeld = locked || isLooking
    return html`
      <section aria-labelledby="title">
        <h2 id="title" class="visually-hidden">What this is, and how to run it</h2>
        <how-it-works></how-it-works>
        <fieldset ?disabled=${isHeld}>
          <legend class="visually-hidden">Recipe</legend>
          ${RECIPES.map(
            ({ name, title, text }) => html`<label class="recipe">
              <input type="radio" name="recipe" .checked=${name === this.chosen} @change=${() => this.#tell('choose', name)} />
              <span><strong>${title}</strong><span class="small soft">${text}</span></span>
            </label>`,
          )}
        </fieldset>
        <div class="row">
          <button class=${this.isBlocked ? 'big' : 'primary big'} ?disabled=${isHeld || hint !== ''} @click=${() => this.#tell('run')}>
            ${this.texts.length > 0 ? 'Run on my pictures' : this.chosen === 'demo' ? 'Run the demo' : 'Run this recipe'}
          </button>
          <button class=${this.isBlocked ? 'primary big' : 'quiet'} @click=${() => this.#tell('runs')}>Open a run</button>
          ${hint ? html`<span class="small soft">${hint}</span>` : nothing}
        </div>
        ${
          this.models.length > 0
            ? html`<div class="with-models">
                ${this.models.map((text) => html`<p>${text}</p>`)}
                <button class="quiet" ?disabled=${isHeld} @click=${() => this.#tell('pages-models')}>Use the page’s own</button>
              </div>`
            : nothing
        }
        <picture-drop .locked=${isHeld} @given=${this.#given('train')}>
          <strong slot="title">Use my pictures</strong>
          ${isLooking ? html`<p role="status">Looking through what you gave …</p>` : nothing}
          ${this.#picturesGiven('train', 'Use the demo’s again')}
          ${this.texts.length > 0 ? html`<ul role="status">${this.texts.map((text) => html`<li>${text}</li>`)}</ul>` : this.#unused()}
          <p class="small soft">
            They stay on this computer. The model that comes with the page is tiny and has seen emoji scenes only: about
            photographs it talks nonsense. For those <button class="link" @click=${() => this.#tell('models')}>use a real model</button>.
          </p>
        </picture-drop>
        ${own.train ? this.#measured() : nothing}
      </section>
    `
  }

  /** Pictures that were given for another recipe than the one that is shown now. */
  #unused() {
    const { train: pictures } = this.own
    if (!pictures || this.isLooking) return nothing
    return html`<p class="row">
      The recipe that is shown is not on these.
      <button ?disabled=${this.locked} @click=${() => this.#tell('given', { role: 'train', pictures })}>Take them for it</button>
    </p>`
  }

  #measured() {
    return html`<picture-drop .locked=${this.locked || this.isLooking} @given=${this.#given('measure')}>
      <strong slot="title">Measure on others</strong>
      ${this.#picturesGiven('measure', 'Keep some of the first back again')}
      <p class="small soft">
        Pictures that are not trained on. Where it is known what they show – AMBER’s files, MS-COCO’s instances, or parquet and
        JSON lines with the columns truth and hallu – it is counted how often the model invents things in them.
      </p>
    </picture-drop>`
  }

  #picturesGiven(role: PictureRole, back: string) {
    const given = this.own[role]
    return given
      ? html`<p class="row">
          <span>${given.label}</span>
          <button class="quiet" ?disabled=${this.locked || this.isLooking} @click=${() => this.#tell('given', { role, pictures: undefined })}>${back}</button>
        </p>`
      : nothing
  }

  #given(role: PictureRole) {
    return ({ detail: pictures }: CustomEvent<GivenPictures>): void =>
      this.#tell('given', { role, pictures } satisfies PicturesGiven)
  }

  #tell(type: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }

  static override styles = [
    sharedStyles,
    css`
      section { display: flex; flex-direction: column; gap: 1rem; }
      fieldset {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr));
        gap: 0.625rem;
        margin: 0;
        padding: 0;
        border: 0;
      }
      .recipe {
        display: flex;
        gap: 0.625rem;
        padding: 0.75rem 0.875rem;
        border: 1px solid var(--edge);
        border-radius: 11px;
        cursor: pointer;
        line-height: 1.4;
      }
      .recipe:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
      .recipe:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
      .recipe input { flex: none; align-self: flex-start; margin: 0.3125rem 0 0; accent-color: var(--accent); }
      .recipe strong, .recipe .small { display: block; }
      .link { padding: 0; border: 0; background: none; color: var(--accent); text-decoration: underline; }
      .big { padding: 0.625rem 1.25rem; font-size: 1.0625rem; }
      .with-models { display: flex; flex-direction: column; align-items: flex-start; gap: 0.25rem; }
      ul { margin: 0; padding-left: 1.25rem; }
    `,
  ]
}

customElements.define('start-panel', StartPanel)
