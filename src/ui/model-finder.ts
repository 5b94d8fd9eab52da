import { css, html, LitElement, nothing } from 'lit'
import type { FolderSpec } from '../data/folder.ts'
import { formatBytes } from '../gpu/doctor.ts'
import { hubAddress } from '../pipeline/hub.ts'
import type { ModelDescription, ModelRole } from '../pipeline/inspect-model.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { MODEL_ROLES } from './model-roles.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

/** A model that was looked at and may be used. */
interface Found {
  readonly role: ModelRole
  readonly name: string
  /** Its address, or its files. */
  readonly model: string | FolderSpec
  readonly description: ModelDescription
}

/**
 * `<model-finder>`: looks at a model of the hub or in a folder, and says what it lacks. A `model` event
 * (`CustomEvent<{ role, model }>`, an address or files) asks for one to be used.
 */
export class ModelFinder extends LitElement {
  static override properties = {
    runner: { attribute: false },
    locked: { type: Boolean },
    role: { state: true },
    found: { state: true },
    isLooking: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'inspectModel'> | undefined
  /** While a run is under way. */
  declare locked: boolean
  /** What a model is wanted for. */
  declare role: ModelRole
  declare found: Found | undefined
  declare isLooking: boolean
  declare problem: string | undefined

  constructor() {
    super()
    this.role = 'policy'
    this.isLooking = false
  }

  override render() {
    const { role, locked, isLooking, found, problem } = this
    return html`
      <div class="row" role="radiogroup" aria-label="What for">
        ${MODEL_ROLES.map(
          ([value, name]) => html`<label
            ><input
              type="radio"
              name="role"
              .checked=${value === role}
              ?disabled=${locked}
              @change=${() => this.#turnTo(value)}
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
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${found ? this.#foundView(found) : nothing}
      <p class="small soft">
        ${
          role === 'policy'
            ? 'A LLaVA, Idefics 3 or SmolVLM in the hub’s layout: model.safetensors, tokenizer.json, and its vision encoder as onnx/vision_encoder.onnx. Large models need a GPU with memory for them.'
            : 'A CLIP in transformers.js’s layout: tokenizer.json, onnx/text_model.onnx and onnx/vision_model.onnx.'
        }
        Only the hub is asked, and only for this; a folder’s files stay on this computer.
      </p>
    `
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

  #turnTo(role: ModelRole): void {
    this.role = role
    this.found = undefined
    this.problem = undefined
  }

  readonly #lookAtHub = (event: SubmitEvent): void => {
    event.preventDefault()
    const id = String(new FormData(event.target as HTMLFormElement).get('hub') ?? '').trim()
    const url = hubAddress(id)
    if (url !== undefined) void this.#look(id, url, { url })
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
    this.problem = undefined
    this.isLooking = true
    try {
      const description = await runner?.inspectModel(folder, role)
      if (description && role === this.role) this.found = { role, name, model, description }
    } catch (error) {
      if (role === this.role) this.problem = plainProblem(error)
    }
    this.isLooking = false
  }

  #use(role: ModelRole, model: string | FolderSpec): void {
    this.found = undefined
    this.dispatchEvent(new CustomEvent('model', { detail: { role, model } }))
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      form.row { align-items: end; }
      form label:first-child { display: flex; flex: 1 1 16rem; flex-direction: column; gap: 0.1875rem; max-width: 28rem; }
      .found { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); overflow-wrap: anywhere; }
    `,
  ]
}

/** A file's path below the folder that was chosen. */
function pathInFolder({ webkitRelativePath, name }: File): string {
  return webkitRelativePath.split('/').slice(1).join('/') || name
}

customElements.define('model-finder', ModelFinder)
