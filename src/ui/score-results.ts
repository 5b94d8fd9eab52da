import { LitElement, nothing, type PropertyValues } from 'lit'
import type { ScoreView } from '../pipeline/run-view.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { scoresView } from './views/histogram.ts'

/** `<score-results>`: how a round's candidates score, and how far apart they are, once its pairs are made. */
export class ScoreResults extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    round: { type: Number },
    news: {},
    scores: { state: true },
  }
  declare runner: Pick<RunnerApi, 'scores'> | undefined
  declare run: string | undefined
  declare round: number
  /** Changes when there is something new to read. */
  declare news: string
  declare scores: ScoreView | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('round') || changed.has('news')) void this.#load()
  }

  override render() {
    return this.scores ? scoresView(this.scores) : nothing
  }

  async #load(): Promise<void> {
    const { run, round, runner } = this
    const scores = run ? await runner?.scores(run, round).catch(() => undefined) : undefined
    if (run === this.run && round === this.round) this.scores = scores
  }

  static override styles = [sharedStyles, viewStyles]
}

customElements.define('score-results', ScoreResults)
