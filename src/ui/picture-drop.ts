import { css, html, LitElement, nothing } from 'lit'
import { type GivenPictures, picturesOfDrop, picturesOfFiles } from './given-pictures.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<picture-drop>`: takes pictures that are dropped or chosen: a folder, a zip or files. A `given` event
 * (`CustomEvent<GivenPictures>`) carries them. What belongs to them goes into its slots `title` and default.
 */
export class PictureDrop extends LitElement {
  static override properties = {
    locked: { type: Boolean },
    isOver: { state: true },
    problem: { state: true },
  }
  /** While nothing can be taken. */
  declare locked: boolean
  declare isOver: boolean
  declare problem: string | undefined

  override render() {
    return html`
      <div
        class=${this.isOver ? 'drop over' : 'drop'}
        @dragover=${this.#over}
        @dragleave=${() => {
          this.isOver = false
        }}
        @drop=${this.#dropped}
      >
        <p><slot name="title"></slot> <span class="soft">Drop a folder, a zip or files here, or choose:</span></p>
        <div class="row">
          <label class="file">Files or a zip
            <input class="visually-hidden" type="file" multiple accept="image/*,.zip,.tar,.parquet,.jsonl,.json" ?disabled=${this.locked} @change=${this.#picked} />
          </label>
          <label class="file">A folder
            <input class="visually-hidden" type="file" webkitdirectory ?disabled=${this.locked} @change=${this.#picked} />
          </label>
        </div>
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        <slot></slot>
      </div>
    `
  }

  readonly #over = (event: DragEvent): void => {
    event.preventDefault()
    this.isOver = true
  }

  readonly #dropped = async (event: DragEvent): Promise<void> => {
    event.preventDefault()
    this.isOver = false
    if (!event.dataTransfer || this.locked) return
    this.problem = undefined
    try {
      this.#give(await picturesOfDrop(event.dataTransfer))
    } catch (error) {
      this.problem = `What was dropped could not be read. Choose it with the buttons instead. (${plainProblem(error)})`
    }
  }

  readonly #picked = (event: Event): void => {
    const input = event.target as HTMLInputElement
    const given = picturesOfFiles(input.files ?? [])
    input.value = '' // the same ones may be chosen again
    this.problem = undefined
    this.#give(given)
  }

  #give(detail: GivenPictures | undefined): void {
    if (detail) this.dispatchEvent(new CustomEvent('given', { detail }))
  }

  static override styles = [
    sharedStyles,
    css`
      .drop {
        display: flex;
        flex-direction: column;
        gap: 0.625rem;
        padding: 0.875rem 1rem;
        border: 1px dashed var(--edge);
        border-radius: 11px;
      }
      .drop.over { border-color: var(--accent); background: color-mix(in srgb, var(--accent) 8%, transparent); }
    `,
  ]
}

customElements.define('picture-drop', PictureDrop)
