import { html, LitElement, nothing, type PropertyValues } from 'lit'
import type { ComparedRun, RunnerApi } from '../pipeline/runner.api.ts'
import { CurveDrawer } from './curve-drawer.ts'
import { plainProblem } from './problems.ts'
import { readTogether } from './read-together.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { comparedFiguresView, differencesView } from './views/comparison.ts'
import { curveFiguresView } from './views/curves.ts'

/** `<run-comparison>`: runs side by side: what they came to, the settings in which they differ, and their training's curves. */
export class RunComparison extends LitElement {
  static override properties = {
    runner: { attribute: false },
    ids: { attribute: false },
    runs: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'compare'> | undefined
  /** Of the runs, two or more. */
  declare ids: readonly string[]
  declare runs: readonly ComparedRun[]
  declare problem: string | undefined
  readonly #drawer = new CurveDrawer(() => this.requestUpdate())

  constructor() {
    super()
    this.ids = []
    this.runs = []
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('ids')) void this.#load()
    if (!changed.has('runs')) return
    this.#drawer.clear()
    const { first, options } = this.#curves()
    if (first) void this.#drawer.draw(first.metrics, options)
  }

  override render() {
    if (this.problem) return html`<p class="problem" role="alert">${this.problem}</p>`
    if (this.runs.length < 2) return nothing
    const { first, options } = this.#curves()
    return html`
      <h3>Compared</h3>
      ${comparedFiguresView(this.runs)} ${differencesView(this.runs)}
      ${
        first && this.#drawer.figures.length > 0
          ? html`<div @pointerover=${this.#pointed} @pointerleave=${this.#pointed}>
              ${curveFiguresView(this.#drawer.figures, first.metrics, options)}
            </div>`
          : nothing
      }
    `
  }

  /** The first run that has been trained is drawn in colour, the others under it. */
  #curves() {
    const [first, ...others] = this.runs.filter(({ metrics }) => metrics.length > 0)
    return { first, options: { name: first?.name ?? '', others } }
  }

  async #load(): Promise<void> {
    const { ids, runner } = this
    try {
      const runs = (await runner?.compare(ids)) ?? []
      if (ids !== this.ids) return
      this.runs = runs
      this.problem = undefined
    } catch (error) {
      this.problem = plainProblem(error)
    }
  }

  readonly #pointed = (event: Event): void => readTogether(this.renderRoot, event)

  static override styles = [sharedStyles, viewStyles]
}

customElements.define('run-comparison', RunComparison)
