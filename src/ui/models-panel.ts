import { css, html, LitElement, nothing } from 'lit'
import type { FolderSpec } from '../data/folder.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import type { KeptModels } from './kept-models.ts'
import './kept-models.ts'
import './model-finder.ts'
import { MODEL_ROLES } from './model-roles.ts'
import { type Json, MODEL_PATHS, sourceName, valueAt, withValuesOf } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<models-panel>`: which models a run is with, what of models is kept in this browser, and others from the hub or a folder. A
 * `model` event (`CustomEvent<{ role, model }>`, an address or files) asks for one to be used, a `recipe` event
 * (`CustomEvent<Json>`) carries the recipe with the one it had.
 */
export class ModelsPanel extends LitElement {
  static override properties = {
    runner: { attribute: false },
    recipe: { attribute: false },
    defaults: { attribute: false },
    locked: { type: Boolean },
  }
  declare runner: Pick<RunnerApi, 'cachedModels' | 'deleteModel' | 'inspectModel'> | undefined
  declare recipe: Json | undefined
  /** What *Back* goes back to. */
  declare defaults: Json | undefined
  /** While a run is under way. */
  declare locked: boolean

  /** Reads anew what is kept. */
  async refresh(): Promise<void> {
    await this.renderRoot.querySelector<KeptModels>('kept-models')?.refresh()
  }

  /** Unfolds where another model is chosen. */
  offerAnother(): void {
    const details = this.renderRoot.querySelector('details')
    if (details) details.open = true
  }

  override render() {
    const { recipe, defaults, runner, locked } = this
    return html`
      <dl>
        ${MODEL_ROLES.map(([role, name]) => {
          const source = valueAt(recipe, `${role}.source`)
          const isOther = source !== valueAt(defaults, `${role}.source`)
          return html`<div>
            <dt class="soft">${name}</dt>
            <dd>
              ${typeof source === 'string' ? sourceName(source) : '–'}
              ${isOther ? html`<button class="quiet small" ?disabled=${locked} @click=${() => this.#back(role)}>Back to the recipe’s</button>` : nothing}
            </dd>
          </div>`
        })}
      </dl>
      <kept-models .runner=${runner} .locked=${locked}></kept-models>
      <details>
        <summary>Use another model</summary>
        <model-finder .runner=${runner} .locked=${locked} @model=${this.#found}></model-finder>
      </details>
    `
  }

  readonly #found = ({ detail }: CustomEvent<{ role: ModelRole; model: string | FolderSpec }>): void => {
    this.dispatchEvent(new CustomEvent('model', { detail }))
  }

  #back(role: ModelRole): void {
    const detail = withValuesOf(this.recipe, this.defaults, MODEL_PATHS[role])
    this.dispatchEvent(new CustomEvent('recipe', { detail }))
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.5rem 1.5rem; margin: 0; }
      dt { font-size: 0.875rem; }
      dd { margin: 0; overflow-wrap: anywhere; }
      summary { width: fit-content; color: var(--accent); }
      model-finder { margin-top: 0.75rem; }
    `,
  ]
}

customElements.define('models-panel', ModelsPanel)
