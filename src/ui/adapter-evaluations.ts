import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { ComparedRun, RunnerApi } from '../pipeline/runner.api.ts'
import { placeText } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { comparedFiguresView } from './views/comparison.ts'

/**
 * `<adapter-evaluations>`: the figures of a training's adapters that have been evaluated, side by side, once there are two. An
 * `open` event (`CustomEvent<string>`) carries the id of the run whose adapter is to be shown.
 */
export class AdapterEvaluations extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    runs: { state: true },
  }
  declare runner: Pick<RunnerApi, 'evaluations'> | undefined
  /** A finished run with one of the adapters. */
  declare run: string | undefined
  declare runs: readonly ComparedRun[]

  constructor() {
    super()
    this.runs = []
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run')) void this.#load()
  }

  override render() {
    if (this.runs.length < 2) return nothing
    const named = this.runs.map(({ recipe, ...run }) => ({
      ...run,
      name: recipe.evaluate.adapter ? placeText(recipe.evaluate.adapter) : 'finished',
    }))
    return html`<h3>This training’s adapters</h3>
      ${comparedFiguresView(named, {
        caption: 'What each came to, and the model before training',
        head: (id, name) =>
          id === this.run
            ? html`${name}, shown here`
            : html`<button class="quiet small" aria-label=${`Show the evaluation ${name}`} @click=${() => this.#open(id)}>${name}</button>`,
      })}`
  }

  async #load(): Promise<void> {
    const { run, runner } = this
    const runs = run ? await runner?.evaluations(run).catch(() => []) : undefined
    if (run === this.run) this.runs = runs ?? []
  }

  #open(id: string): void {
    this.dispatchEvent(new CustomEvent('open', { detail: id, bubbles: true, composed: true }))
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      h3 { margin-bottom: 0.5rem; font-size: 1.0625rem; }
      th .quiet { padding: 0; font-weight: 600; }
    `,
  ]
}

customElements.define('adapter-evaluations', AdapterEvaluations)
