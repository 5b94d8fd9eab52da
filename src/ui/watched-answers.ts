import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { RunnerApi, WatchedView } from '../pipeline/runner.api.ts'
import { download } from './download.ts'
import './picture-thumb.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'
import { viewStyles } from './view-styles.ts'
import { watchedView } from './views/watched.ts'

/**
 * `<watched-answers>`: what the model said about held-out pictures as its training went on, and the adapters of then to take
 * away or, by the events `try` and `evaluate` (`CustomEvent<{ round, step }>`), to ask and to measure.
 */
export class WatchedAnswers extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    run: {},
    round: { type: Number },
    site: {},
    isTryable: { type: Boolean },
    news: {},
    view: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'watched' | 'adapterAt'> | undefined
  declare thumbnails: Thumbnails | undefined
  declare run: string | undefined
  declare round: number
  /** Address of the page, where what comes with it lies. */
  declare site: string
  /** Whether an adapter can be tried and evaluated now. */
  declare isTryable: boolean
  /** Changes when there is something new to read. */
  declare news: string
  declare view: WatchedView | undefined
  declare problem: string | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('round')) this.view = undefined
    if (changed.has('run') || changed.has('round') || changed.has('news')) void this.#load()
  }

  override render() {
    const { view, problem } = this
    if (problem) return html`<p class="problem" role="alert">${problem}</p>`
    if (!view) return nothing
    const last = Math.max(...view.states.map(({ step }) => step))
    return html`<h3>What it says in the course of training</h3>
      ${watchedView(view, {
        picture: (i) => html`<picture-thumb
          .thumbnails=${this.thumbnails}
          .hash=${view.pictures[i]?.hash ?? ''}
          .name=${view.pictures[i]?.name ?? ''}
        ></picture-thumb>`,
        actions: (step) => html`<span class="actions">
          ${
            this.isTryable
              ? html`<button
                    class="quiet small"
                    aria-label=${`Try it as it was after step ${step}`}
                    title="Ask the model as it was then"
                    @click=${() => this.#tell('try', step)}
                  >Try it</button>
                  ${
                    step === last
                      ? nothing // the finished one is measured by the run itself
                      : html`<button
                          class="quiet small"
                          aria-label=${`Evaluate it as it was after step ${step}`}
                          title="Measure the model as it was then, beside the finished one"
                          @click=${() => this.#tell('evaluate', step)}
                        >Evaluate</button>`
                  }`
              : nothing
          }
          <button
            class="quiet small"
            aria-label=${`Save the adapter after step ${step}`}
            title="Save the adapter as it was then, in PEFT’s files"
            @click=${() => this.#save(step)}
          >Save</button>
        </span>`,
      })}`
  }

  async #load(): Promise<void> {
    const { run, round, site } = this
    if (!run) return
    await this.#guarded(async () => {
      const view = await this.runner?.watched(run, round, { site })
      if (run === this.run && round === this.round) this.view = view
    })
  }

  #tell(type: 'try' | 'evaluate', step: number): void {
    const detail = { round: this.round, step }
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }))
  }

  async #save(step: number): Promise<void> {
    const { run, round } = this
    if (!run) return
    await this.#guarded(async () => {
      const folder = `adapter-after-step-${step}`
      const packed = await this.runner?.adapterAt(run, round, step, folder)
      if (packed) download(`${folder}.zip`, packed)
    })
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.problem = undefined
    } catch (error) {
      this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      h3 { font-size: 1.0625rem; }
      picture-thumb { width: 84px; height: 84px; }
      th button { font-weight: 400; }
      .actions { display: flex; flex-wrap: wrap; gap: 0 0.75rem; }
      .actions button { padding: 0.125rem 0; }
    `,
  ]
}

customElements.define('watched-answers', WatchedAnswers)
