import { css, html, LitElement, nothing } from 'lit'
import { formatBytes } from '../gpu/doctor.ts'
import type { CachedModel } from '../pipeline/cached-models.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

/** `<kept-models>`: the models whose files are kept in this browser, with their size, each to be deleted. */
export class KeptModels extends LitElement {
  static override properties = {
    runner: { attribute: false },
    locked: { type: Boolean },
    models: { state: true },
    asked: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'cachedModels' | 'deleteModel'> | undefined
  /** While a run is under way. */
  declare locked: boolean
  declare models: readonly CachedModel[] | undefined
  /** Address of the model about which it was asked whether it shall be deleted. */
  declare asked: string | undefined
  declare problem: string | undefined

  override firstUpdated(): void {
    void this.refresh()
  }

  /** Reads anew what is kept. */
  async refresh(): Promise<void> {
    await this.#try(async () => {
      this.models = await this.runner?.cachedModels()
    })
  }

  override render() {
    const { models = [], problem } = this
    const total = models.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
    return html`
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      ${
        models.length === 0
          ? html`<p class="soft">No model’s files are kept in this browser yet.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Models kept in this browser">
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
              <p class="small soft">${formatBytes(total)} in all. What is deleted is fetched again when a run needs it; runs stay.</p>`
      }
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
                <button class="quiet" @click=${() => this.#ask(undefined)}>Keep</button>`
            : html`<button class="quiet" ?disabled=${this.locked} aria-label=${`Delete ${name}`} @click=${() => this.#ask(url)}>Delete</button>`
        }
      </td>
    </tr>`
  }

  #ask(url: string | undefined): void {
    this.asked = url
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
      .scroll { overflow-x: auto; }
      table { width: 100%; }
      :is(th, td) { padding: 0.4375rem 0.75rem 0.4375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; }
      thead :is(th, td) { border-top: 0; font-size: 0.8125rem; font-weight: 400; color: var(--ink-soft); }
      tbody th { font-weight: 500; }
      th .small { display: block; font-weight: 400; }
      .number { text-align: right; }
      .actions { padding-right: 0; text-align: right; white-space: nowrap; }
      .actions button { padding: 0.1875rem 0.625rem; font-size: 0.9375rem; }
    `,
  ]
}

customElements.define('kept-models', KeptModels)
