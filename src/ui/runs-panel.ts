import { css, html, LitElement, nothing } from 'lit'
import type { RunnerClient, StorageState } from '../pipeline/runner-client.ts'
import { NOT_LOADED, ResultsLoader } from './results-loader.ts'
import type { RunList } from './run-list.ts'
import './run-list.ts'
import type { RunView } from '../pipeline/run-view.ts'
import { ReportError, runOfReport } from './report-data.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<runs-panel>`: all runs of this browser, and those that are chosen laid side by side. An `open` event (`CustomEvent<string>`)
 * carries the id of the one to show, a `deleted` event that of one that is gone, a `recipe` event (`CustomEvent<Json>`) a recipe
 * to be taken.
 */
export class RunsPanel extends LitElement {
  static override properties = {
    runner: { attribute: false },
    current: {},
    storage: { attribute: false },
    locked: { type: Boolean },
    compared: { state: true },
    saved: { state: true },
    problem: { state: true },
  }
  declare runner: RunnerClient | undefined
  /** Id of the run that is shown. */
  declare current: string | undefined
  /** How full the browser's storage is. */
  declare storage: StorageState | undefined
  /** While a run is under way in this tab. */
  declare locked: boolean
  /** Ids of the runs that are laid side by side. */
  declare compared: readonly string[]
  /** A run that was read from a report. */
  declare saved: RunView | undefined
  declare problem: string
  readonly #results = new ResultsLoader()

  constructor() {
    super()
    this.compared = []
    this.problem = ''
  }

  /** Reads the list anew. */
  async refresh(): Promise<void> {
    await this.renderRoot.querySelector<RunList>('run-list')?.refresh()
  }

  override render() {
    const { runner, current, storage, locked, compared, problem } = this
    return html`
      <run-list
        .runner=${runner}
        .current=${current}
        .chosen=${compared}
        .storage=${storage}
        .locked=${locked}
        @open=${this.#tellOn}
        @compare=${(event: CustomEvent<string[]>) => this.#compare(event.detail)}
        @deleted=${this.#deleted}
      ></run-list>
      <label class="file">Open a report of another browser or of the command line
        <input class="visually-hidden" type="file" accept=".html,text/html" @change=${this.#picked} />
      </label>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${
        this.saved
          ? html`<saved-run
              .run=${this.saved}
              .locked=${locked}
              @recipe=${this.#tellOn}
              @close=${() => {
                this.saved = undefined
              }}
            ></saved-run>`
          : nothing
      }
      ${compared.length > 1 ? html`<run-comparison .runner=${runner} .ids=${compared}></run-comparison>` : nothing}
    `
  }

  async #compare(ids: readonly string[]): Promise<void> {
    this.compared = ids
    const results = ids.length > 1 ? await this.#results.need() : 'pending'
    if (results !== 'pending') this.problem = results === 'failed' ? NOT_LOADED : ''
  }

  readonly #picked = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement
    const [file] = input.files ?? []
    input.value = '' // the same file may be chosen again
    if (!file) return
    try {
      const saved = runOfReport(await file.text())
      await import('./saved-run.ts')
      this.saved = saved
      this.problem = ''
    } catch (error) {
      this.problem = error instanceof ReportError ? `${file.name}: ${error.message}` : NOT_LOADED
    }
  }

  readonly #deleted = (event: CustomEvent<string>): void => {
    this.compared = this.compared.filter((other) => other !== event.detail)
    this.#tellOn(event)
  }

  readonly #tellOn = ({ type, detail }: CustomEvent): void => {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .file { width: fit-content; }
    `,
  ]
}

customElements.define('runs-panel', RunsPanel)
