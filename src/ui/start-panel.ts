import { css, html, LitElement, nothing } from 'lit'
import { type GivenPictures, picturesOfDrop, picturesOfFiles } from './given-pictures.ts'
import './how-it-works.ts'
import { sharedStyles } from './shared-styles.ts'

/** The recipes that come with the page, for people. */
const RECIPES = [
  { name: 'demo', title: 'Demo', text: '256 pictures, the settings that work best' },
  { name: 'smoke', title: 'Short', text: '48 pictures: a quick look at everything' },
  { name: 'paper', title: 'Paper', text: '640 pictures, the settings as published' },
] as const

/**
 * `<start-panel>`: what this is, which recipe, and on which pictures. Dispatches `choose` (`CustomEvent<string>`, a recipe's
 * name), `run`, `given` (`CustomEvent<GivenPictures>`), `pages-models`, and for the lists `runs` and `models`.
 */
export class StartPanel extends LitElement {
  static override properties = {
    chosen: {},
    given: { attribute: false },
    models: { attribute: false },
    locked: { type: Boolean },
    isOver: { state: true },
  }
  /** Name of the recipe that is chosen; empty for one of the visitor's own. */
  declare chosen: string
  declare given: GivenPictures | undefined
  /** Names of the models of the visitor's that the recipe is with. */
  declare models: readonly string[]
  /** While a run is under way. */
  declare locked: boolean
  declare isOver: boolean

  constructor() {
    super()
    this.models = []
  }

  override render() {
    return html`
      <section aria-labelledby="title">
        <h2 id="title" class="visually-hidden">What this is, and how to run it</h2>
        <how-it-works></how-it-works>
        <fieldset ?disabled=${this.locked}>
          <legend class="visually-hidden">Recipe</legend>
          ${RECIPES.map(
            ({ name, title, text }) => html`<label class="recipe">
              <input type="radio" name="recipe" .checked=${name === this.chosen} @change=${() => this.#tell('choose', name)} />
              <span><strong>${title}</strong><span class="small soft">${text}</span></span>
            </label>`,
          )}
        </fieldset>
        <div class="row">
          <button class="primary big" ?disabled=${this.locked} @click=${() => this.#tell('run')}>
            ${this.given ? 'Run on my pictures' : this.chosen === 'demo' ? 'Run the demo' : 'Run this recipe'}
          </button>
          <button class="quiet" @click=${() => this.#tell('runs')}>Open a run</button>
        </div>
        ${
          this.models.length > 0
            ? html`<p class="row">
                <span>With ${this.models.join(' and ')} in place of the page’s own.</span>
                <button class="quiet" ?disabled=${this.locked} @click=${() => this.#tell('pages-models')}>Use the page’s own</button>
              </p>`
            : nothing
        }
        <div
          class=${this.isOver ? 'drop over' : 'drop'}
          @dragover=${this.#over}
          @dragleave=${() => {
            this.isOver = false
          }}
          @drop=${this.#dropped}
        >
          <p><strong>Use my pictures</strong> <span class="soft">Drop a folder, a zip or files here, or choose:</span></p>
          <div class="row">
            <label class="file">Files or a zip
              <input class="visually-hidden" type="file" multiple accept="image/*,.zip,.tar,.parquet,.jsonl" ?disabled=${this.locked} @change=${this.#picked} />
            </label>
            <label class="file">A folder
              <input class="visually-hidden" type="file" webkitdirectory ?disabled=${this.locked} @change=${this.#picked} />
            </label>
            ${
              this.given
                ? html`<span role="status">${this.given.label}</span>
                  <button class="quiet" ?disabled=${this.locked} @click=${() => this.#tell('given', undefined)}>Use the demo’s again</button>`
                : nothing
            }
          </div>
          <p class="small soft">
            They stay on this computer. The model that comes with the page is tiny and has seen emoji scenes only: about
            photographs it talks nonsense. For those <button class="link" @click=${() => this.#tell('models')}>use a real model</button>.
          </p>
        </div>
      </section>
    `
  }

  readonly #over = (event: DragEvent): void => {
    event.preventDefault()
    this.isOver = true
  }

  readonly #dropped = (event: DragEvent): void => {
    event.preventDefault()
    this.isOver = false
    if (event.dataTransfer && !this.locked)
      void picturesOfDrop(event.dataTransfer).then((given) => given && this.#tell('given', given))
  }

  readonly #picked = (event: Event): void => {
    const given = picturesOfFiles((event.target as HTMLInputElement).files ?? [])
    if (given) this.#tell('given', given)
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
      .drop {
        display: flex;
        flex-direction: column;
        gap: 0.625rem;
        padding: 0.875rem 1rem;
        border: 1px dashed var(--edge);
        border-radius: 11px;
      }
      .drop.over { border-color: var(--accent); background: color-mix(in srgb, var(--accent) 8%, transparent); }
      .file { padding: 0.3125rem 0.75rem; border: 1px solid var(--edge); border-radius: 9px; cursor: pointer; font-size: 0.9375rem; }
      .file:hover { border-color: var(--accent); }
      .file:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
    `,
  ]
}

customElements.define('start-panel', StartPanel)
