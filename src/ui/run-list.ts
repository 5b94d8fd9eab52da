import { css, html, LitElement, nothing } from 'lit'
import { formatBytes } from '../gpu/doctor.ts'
import type { ListedRun, RunnerApi } from '../pipeline/runner.api.ts'
import type { StorageState } from '../pipeline/runner-client.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

const STATUS: Readonly<Record<ListedRun['status'], string>> = {
  new: 'not started',
  running: 'running',
  stopped: 'stopped',
  failed: 'failed',
  done: 'done',
}

/**
 * `<run-list>`: all runs of this browser. An `open` event (`CustomEvent<string>`) carries the id of the one to show, a
 * `compare` event (`CustomEvent<string[]>`) the ids of those to lay side by side.
 */
export class RunList extends LitElement {
  static override properties = {
    runner: { attribute: false },
    current: {},
    chosen: { attribute: false },
    storage: { attribute: false },
    locked: { type: Boolean },
    runs: { state: true },
    problem: { state: true },
    asked: { state: true },
  }
  declare runner: Pick<RunnerApi, 'list' | 'rename' | 'delete'> | undefined
  /** Id of the run that is shown. */
  declare current: string | undefined
  /** Ids of the runs that are chosen to be compared. */
  declare chosen: readonly string[]
  /** How full the browser's storage is. */
  declare storage: StorageState | undefined
  /** While a run is under way in this tab: no other is opened. */
  declare locked: boolean
  declare runs: readonly ListedRun[] | undefined
  declare problem: string | undefined
  /** Id of the run about which it was asked whether it shall be deleted. */
  declare asked: string | undefined

  constructor() {
    super()
    this.chosen = []
  }

  override firstUpdated(): void {
    void this.refresh()
  }

  /** Reads the list anew. */
  async refresh(): Promise<void> {
    await this.#try(async () => {
      this.runs = await this.runner?.list()
    })
  }

  override render() {
    const { runs = [], problem, storage } = this
    const total = runs.reduce((sum, { ownByteLength }) => sum + ownByteLength, 0)
    return html`
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${
        runs.length === 0
          ? html`<p class="soft">None yet.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Runs">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Compare</th><th scope="col">Name</th><th scope="col">State</th><th scope="col">Begun</th>
                    <th scope="col" class="number">Storage</th>
                    <th scope="col"><span class="visually-hidden">Actions</span></th>
                  </tr>
                </thead>
                <tbody>${runs.map((run) => this.#row(run))}</tbody>
              </table>
            </div>
            <p class="small soft">
                A run’s own storage is what deleting it frees: no other run uses it (${formatBytes(total)} of all runs).
                ${storage ? `All that this page keeps takes ${formatBytes(storage.usage)}; the browser allows ${formatBytes(storage.quota)}.` : nothing}
                ${this.chosen.length === 1 ? 'Choose another run to compare the two.' : nothing}
              </p>`
      }
    `
  }

  #row(run: ListedRun) {
    const { id, name, status, isOpen, createdAt, byteLength, ownByteLength } = run
    const state = status === 'running' && !isOpen ? 'broken off' : isOpen ? 'open' : STATUS[status]
    return html`<tr aria-current=${id === this.current}>
      <td>
        <input
          type="checkbox"
          aria-label=${`Compare ${name}`}
          .checked=${this.chosen.includes(id)}
          @change=${(event: Event) => this.#choose(id, (event.target as HTMLInputElement).checked)}
        />
      </td>
      <th scope="row">
        <input class="name" aria-label="Name of the run" .value=${name} @change=${(event: Event) => this.#rename(run, event)} />
      </th>
      <td>${state}</td>
      <td class="numbers">${new Date(createdAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}</td>
      <td class="number numbers">${formatBytes(byteLength)} <span class="small soft">${formatBytes(ownByteLength)} its own</span></td>
      <td class="actions">
        <button
          class="quiet"
          ?disabled=${this.locked}
          title=${this.locked ? 'Stop the run that is under way to open another' : nothing}
          @click=${() => this.dispatchEvent(new CustomEvent('open', { detail: id }))}
        >Open</button>
        ${
          this.asked === id
            ? html`<button @click=${() => this.#delete(id)}>Delete for good</button>
                <button class="quiet" @click=${() => this.#ask(undefined)}>Keep</button>`
            : html`<button class="quiet" ?disabled=${isOpen} aria-label=${`Delete ${name}`} @click=${() => this.#ask(id)}>Delete</button>`
        }
      </td>
    </tr>`
  }

  #ask(id: string | undefined): void {
    this.asked = id
  }

  #choose(id: string, isChosen: boolean): void {
    const others = this.chosen.filter((other) => other !== id)
    this.dispatchEvent(new CustomEvent('compare', { detail: isChosen ? [...others, id] : others }))
  }

  #rename({ id, name }: ListedRun, event: Event): void {
    const field = event.target as HTMLInputElement
    const chosen = field.value.trim()
    if (chosen === '' || chosen === name) {
      field.value = name
      return
    }
    void this.#try(async () => {
      await this.runner?.rename(id, chosen)
      await this.refresh()
    })
  }

  #delete(id: string): void {
    this.asked = undefined
    void this.#try(async () => {
      await this.runner?.delete(id)
      this.dispatchEvent(new CustomEvent('deleted', { detail: id }))
      await this.refresh()
    })
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.problem = undefined
    } catch (error) {
      this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    css`
      .scroll { position: relative; overflow-x: auto; }
      table { width: 100%; }
      th, td { padding: 0.375rem 0.75rem 0.375rem 0; text-align: left; border-top: 1px solid var(--line); white-space: nowrap; }
      thead th { border: 0; font-weight: 400; color: var(--ink-soft); font-size: 0.875rem; }
      .number { text-align: right; }
      .number .small { display: block; line-height: 1.2; }
      td.actions { padding-right: 0; text-align: right; }
      tbody th { font-weight: 400; }
      input.name { width: 100%; min-width: 9rem; border-color: transparent; background: none; padding-left: 0.375rem; margin-left: -0.375rem; }
      input.name:hover { border-color: var(--edge); }
      tr[aria-current='true'] th input { font-weight: 600; }
      @media (max-width: 44rem) {
        thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        table, tbody { display: block; }
        tr { display: grid; grid-template-columns: auto 1fr auto; gap: 0 0.75rem; padding: 0.375rem 0; border-top: 1px solid var(--line); }
        th, td { padding: 0; border: 0; align-self: center; }
        tbody th { grid-column: 2 / -1; }
        td:nth-of-type(2) { grid-column: 2; }
        td:nth-of-type(4), td.actions { grid-column: 2 / -1; text-align: left; }
        .number .small { display: inline; }
        td.actions button { padding-left: 0; padding-right: 1rem; }
      }
    `,
  ]
}

customElements.define('run-list', RunList)
