import { css, html, LitElement, nothing } from 'lit'
import type { FolderSpec } from '../data/folder.ts'
import { formatBytes } from '../gpu/doctor.ts'
import type { CachedModel } from '../pipeline/cached-models.ts'
import { hubAddress } from '../pipeline/hub.ts'
import type { ModelDescription, ModelRole } from '../pipeline/inspect-model.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { plainProblem } from './problems.ts'
import { type Json, MODEL_PATHS, sourceName, valueAt, withValuesOf } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'

const ROLES: readonly (readonly [ModelRole, string])[] = [
  ['policy', 'The model that learns'],
  ['clip', 'The judge, a CLIP'],
]

/** A model that was looked at and may be used. */
interface Found {
  readonly role: ModelRole
  readonly name: string
  /** Its address, or its files. */
  readonly model: string | FolderSpec
  readonly description: ModelDescription
}

/**
 * `<models-panel>`: which models a run is with, others from the hub or a folder, and what of models is kept in this browser. A
 * `model` event (`CustomEvent<{ role, model }>`, an address or files) asks for one to be used, a `recipe` event
 * (`CustomEvent<Json>`) carries the recipe with the one it had.
 */
export class ModelsPanel extends LitElement {
  static override properties = {
    runner: { attribute: false },
    recipe: { attribute: false },
    defaults: { attribute: false },
    locked: { type: Boolean },
    models: { state: true },
    role: { state: true },
    found: { state: true },
    isLooking: { state: true },
    asked: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'cachedModels' | 'deleteModel' | 'inspectModel'> | undefined
  declare recipe: Json | undefined
  /** What *Back* goes back to. */
  declare defaults: Json | undefined
  /** While a run is under way. */
  declare locked: boolean
  declare models: readonly CachedModel[] | undefined
  /** What another model is wanted for. */
  declare role: ModelRole
  declare found: Found | undefined
  declare isLooking: boolean
  /** Address of the model about which it was asked whether it shall be deleted. */
  declare asked: string | undefined
  declare problem: string | undefined

  constructor() {
    super()
    this.role = 'policy'
    this.isLooking = false
  }

  override firstUpdated(): void {
    void this.refresh()
  }

  /** Reads anew what is kept. */
  async refresh(): Promise<void> {
    await this.#try(async () => {
      this.models = await this.runner?.cachedModels()
    })
  }

  /** Unfolds where another model is chosen. */
  offerAnother(): void {
    const details = this.renderRoot.querySelector('details')
    if (details) details.open = true
  }

  override render() {
    const { recipe, defaults, problem } = this
    return html`
      <dl>
        ${ROLES.map(([role, name]) => {
          const source = valueAt(recipe, `${role}.source`)
          const isOther = source !== valueAt(defaults, `${role}.source`)
          return html`<div>
            <dt class="soft">${name}</dt>
            <dd>
              ${typeof source === 'string' ? sourceName(source) : '–'}
              ${isOther ? html`<button class="quiet small" ?disabled=${this.locked} @click=${() => this.#back(role)}>Back to the recipe’s</button>` : nothing}
            </dd>
          </div>`
        })}
      </dl>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing} ${this.#kept()}
      <details>
        <summary>Use another model</summary>
        ${this.#another()}
      </details>
    `
  }

  #kept() {
    const { models = [] } = this
    if (models.length === 0) return html`<p class="soft">No model’s files are kept in this browser yet.</p>`
    const total = models.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
    return html`
      <div class="scroll" tabindex="0" role="region" aria-label="Models kept in this browser">
        <table>
          <thead>
            <tr>
              <th scope="col">Kept in this browser</th>
              <th scope="col" class="number">Size</th>
              <th scope="col"><span class="visually-hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${models.map((model) => this.#row(model))}
          </tbody>
        </table>
      </div>
      <p class="small soft">${formatBytes(total)} in all. What is deleted is fetched again when a run needs it; runs stay.</p>
    `
  }

  #row({ url, name, files, keptBytes, byteLength }: CachedModel) {
    const isWhole = keptBytes >= byteLength
    return html`<tr>
      <th scope="row">
        ${name}<span class="small soft">${files} ${files === 1 ? 'file' : 'files'}${isWhole ? '' : `, of ${formatBytes(byteLength)}`}, ${new URL(url).host}</span>
      </th>
      <td class="number numbers">${formatBytes(keptBytes)}</td>
      <td class="actions">
        ${
          this.asked === url
            ? html`<button ?disabled=${this.locked} @click=${() => this.#delete(url)}>Delete it</button>
                <button class="quiet" @click=${() => {
                  this.asked = undefined
                }}>Keep</button>`
            : html`<button class="quiet" ?disabled=${this.locked} aria-label=${`Delete ${name}`} @click=${() => {
                this.asked = url
              }}>Delete</button>`
        }
      </td>
    </tr>`
  }

  #another() {
    const { role, locked, isLooking } = this
    return html`<div class="another">
      <div class="row" role="radiogroup" aria-label="What for">
        ${ROLES.map(
          ([value, name]) => html`<label
            ><input
              type="radio"
              name="role"
              .checked=${value === role}
              ?disabled=${locked}
              @change=${() => {
                this.role = value
                this.found = undefined
              }}
            />
            ${name}</label
          >`,
        )}
      </div>
      <form class="row" @submit=${this.#lookAtHub}>
        <label>From the Hugging Face hub
          <input
            name="hub"
            required
            pattern="\\s*[\\w.\\-]+/[\\w.\\-]+(@[\\w.\\-\\/]+)?\\s*"
            placeholder=${role === 'policy' ? 'HuggingFaceTB/SmolVLM-256M-Instruct' : 'Xenova/clip-vit-base-patch32'}
            title="owner/name, or owner/name@revision"
            ?disabled=${locked}
          />
        </label>
        <button ?disabled=${locked || isLooking}>${isLooking ? 'Looking …' : 'Look at it'}</button>
        <label class="file">or a folder on this computer
          <input class="visually-hidden" type="file" webkitdirectory ?disabled=${locked} @change=${this.#lookAtFolder} />
        </label>
      </form>
      ${this.found ? this.#foundView(this.found) : nothing}
      <p class="small soft">
        ${
          role === 'policy'
            ? 'A LLaVA (NeXT and OneVision too), Idefics 3 or SmolVLM in the hub’s layout: model.safetensors, tokenizer.json, and its vision encoder as onnx/vision_encoder.onnx. Large models need a GPU with memory for them.'
            : 'A CLIP in transformers.js’s layout: tokenizer.json, onnx/text_model.onnx and onnx/vision_model.onnx.'
        }
        Only the hub is asked, and only for this; a folder’s files stay on this computer.
      </p>
    </div>`
  }

  #foundView({ role, name, model, description: { architecture, byteLength, missing } }: Found) {
    return html`<div class="found" role="status">
      <p>
        <b>${name}</b>${architecture === undefined ? nothing : html`: ${architecture}`}${byteLength > 0 ? html`, ${formatBytes(byteLength)} to load` : nothing}
      </p>
      ${
        missing.length > 0
          ? html`<p class="problem">It cannot be used: it has no ${missing.join(', no ')}.</p>`
          : html`<button class="primary" ?disabled=${this.locked} @click=${() => this.#use(role, model)}>Use it in the recipe</button>`
      }
    </div>`
  }

  readonly #lookAtHub = (event: SubmitEvent): void => {
    event.preventDefault()
    const given = String(new FormData(event.target as HTMLFormElement).get('hub') ?? '').trim()
    const url = hubAddress(given)
    if (url !== undefined) void this.#look(given, url, { url })
    else this.problem = `expected owner/name or owner/name@revision, got ${given}`
  }

  readonly #lookAtFolder = (event: Event): void => {
    const input = event.target as HTMLInputElement
    const files = [...(input.files ?? [])]
    input.value = '' // the same folder may be chosen again
    const [name = ''] = files[0]?.webkitRelativePath.split('/') ?? []
    if (files.length === 0) return
    const spec = {
      name: name || 'folder',
      files: Object.fromEntries(files.map((file) => [pathInFolder(file), file])),
    }
    void this.#look(spec.name, spec, spec)
  }

  async #look(name: string, model: string | FolderSpec, folder: FolderSpec): Promise<void> {
    const { role, runner } = this
    this.found = undefined
    this.isLooking = true
    await this.#try(async () => {
      const description = await runner?.inspectModel(folder, role)
      if (description && role === this.role) this.found = { role, name, model, description }
    })
    this.isLooking = false
  }

  #use(role: ModelRole, model: string | FolderSpec): void {
    this.found = undefined
    this.dispatchEvent(new CustomEvent('model', { detail: { role, model } }))
  }

  #back(role: ModelRole): void {
    const detail = withValuesOf(this.recipe, this.defaults, MODEL_PATHS[role])
    this.dispatchEvent(new CustomEvent('recipe', { detail }))
  }

  async #delete(url: string): Promise<void> {
    this.asked = undefined
    await this.#try(async () => await this.runner?.deleteModel(url))
    await this.refresh()
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      this.problem = undefined
      await work()
    } catch (error) {
      this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.5rem 1.5rem; margin: 0; }
      dt { font-size: 0.875rem; }
      dd { margin: 0; overflow-wrap: anywhere; }
      summary { width: fit-content; color: var(--accent); }
      .scroll { overflow-x: auto; }
      table { width: 100%; }
      :is(th, td) { padding: 0.4375rem 0.75rem 0.4375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; }
      thead :is(th, td) { border-top: 0; font-size: 0.8125rem; font-weight: 400; color: var(--ink-soft); }
      tbody th { font-weight: 500; }
      th .small { display: block; font-weight: 400; }
      .number { text-align: right; }
      .actions { text-align: right; white-space: nowrap; }
      .actions button { padding: 0.1875rem 0.625rem; font-size: 0.9375rem; }
      .another { display: flex; flex-direction: column; gap: 0.75rem; margin-top: 0.75rem; }
      form.row { align-items: end; }
      form label:first-child { display: flex; flex: 1 1 16rem; flex-direction: column; gap: 0.1875rem; max-width: 28rem; }
      .file { padding: 0.375rem 0.75rem; border: 1px solid var(--edge); border-radius: 9px; cursor: pointer; }
      .file:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
      .found { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); overflow-wrap: anywhere; }
    `,
  ]
}

/** A file's path below the folder that was chosen. */
function pathInFolder({ webkitRelativePath, name }: File): string {
  return webkitRelativePath.split('/').slice(1).join('/') || name
}

customElements.define('models-panel', ModelsPanel)
