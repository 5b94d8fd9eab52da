import { css, html, LitElement, nothing } from 'lit'
import type { RunnerClient, StorageState } from '../pipeline/runner-client.ts'
import { NOT_LOADED, ResultsLoader } from './results-loader.ts'
import type { RunList } from './run-list.ts'
import './run-list.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<runs-panel>`: all runs of this browser, and those that are chosen laid side by side. An `open` event (`CustomEvent<string>`)
 * carries the id of the one to show, a `deleted` event that of one that is gone.
 */
export class RunsPanel extends LitElement {
  static override properties = {
    runner: { attribute: false },
    current: {},
    storage: { attribute: false },
    locked: { type: Boolean },
    compared: { state: true },
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
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${compared.length > 1 ? html`<run-comparison .runner=${runner} .ids=${compared}></run-comparison>` : nothing}
    `
  }

  async #compare(ids: readonly string[]): Promise<void> {
    this.compared = ids
    if (ids.length > 1) this.problem = (await this.#results.need()) ? NOT_LOADED : ''
  }

  readonly #deleted = (event: CustomEvent<string>): void => {
    this.compared = this.compared.filter((other) => other !== event.detail)
    this.#tellOn(event)
  }

  readonly #tellOn = ({ type, detail }: CustomEvent<string>): void => {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }

  static override styles = [sharedStyles, css`:host { display: flex; flex-direction: column; gap: 1rem; }`]
}

customElements.define('runs-panel', RunsPanel)
