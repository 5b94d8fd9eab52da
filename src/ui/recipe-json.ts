import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import { live } from 'lit/directives/live.js'
import { parseJson } from '../data/json-file.ts'
import { download, fileStem } from './download.ts'
import { plainProblem } from './problems.ts'
import type { Json } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'

/** `<recipe-json>`: the whole recipe as the document it is: to read, to write, from a file and as a file. */
export class RecipeJson extends LitElement {
  static override properties = {
    recipe: { attribute: false },
    take: { attribute: false },
    locked: { type: Boolean },
    draft: { state: true },
    problem: { state: true },
  }
  declare recipe: Json
  /** Takes another recipe. @throws {RecipeError} when it is none. */
  declare take: (recipe: Json) => Promise<void>
  /** While a run is under way. */
  declare locked: boolean
  /** What has been written and is not taken yet. */
  declare draft: string | undefined
  declare problem: string | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('recipe')) return
    this.draft = undefined
    this.problem = undefined
  }

  override render() {
    const { draft, locked, problem } = this
    const isHeld = locked || draft === undefined
    return html`
      <details>
        <summary>The whole recipe as JSON</summary>
        <div class="inside">
          <p class="small soft">
            Every setting there is, under the names of recipes/*.json; what is left out has its default. The same document runs
            from the command line.
          </p>
          <textarea
            aria-label="The recipe as JSON"
            rows="18"
            spellcheck="false"
            ?disabled=${locked}
            .value=${live(draft ?? textOf(this.recipe))}
            @input=${(event: Event) => {
              this.draft = (event.target as HTMLTextAreaElement).value
            }}
          ></textarea>
          ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
          <div class="row">
            <button class="primary" ?disabled=${isHeld} @click=${() => this.#use(draft ?? '')}>Use this recipe</button>
            <button
              class="quiet"
              ?disabled=${isHeld}
              @click=${() => {
                this.draft = undefined
                this.problem = undefined
              }}
            >
              Undo what I wrote
            </button>
            <label class="file">Open a recipe’s file
              <input class="visually-hidden" type="file" accept=".json,application/json" ?disabled=${locked} @change=${this.#picked} />
            </label>
            <button class="quiet" @click=${this.#save}>Save as a file</button>
          </div>
        </div>
      </details>
    `
  }

  readonly #picked = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement
    const [file] = input.files ?? []
    input.value = '' // the same file may be chosen again
    if (!file) return
    this.draft = await file.text()
    await this.#use(this.draft)
  }

  /** What is not taken stays to be mended. */
  async #use(text: string): Promise<void> {
    this.problem = undefined
    try {
      await this.take(parseJson(text) as Json)
      this.draft = undefined
    } catch (error) {
      this.problem = error instanceof SyntaxError ? `This is not JSON: ${error.message}` : plainProblem(error)
    }
  }

  readonly #save = (): void => {
    download(
      `${fileStem(String(this.recipe.name), 'recipe')}.json`,
      new Blob([`${textOf(this.recipe)}\n`], { type: 'application/json' }),
    )
  }

  static override styles = [
    sharedStyles,
    css`
      summary { width: fit-content; color: var(--accent); }
      .inside { display: flex; flex-direction: column; gap: 0.75rem; margin-top: 0.75rem; }
      textarea { width: 100%; font: 0.875rem / 1.45 ui-monospace, monospace; resize: vertical; }
    `,
  ]
}

function textOf(recipe: Json): string {
  return JSON.stringify(recipe, null, 2)
}

customElements.define('recipe-json', RecipeJson)
