import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { PairSample } from '../pipeline/run-view.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { pairsView } from './views/pairs.ts'

/** `<pair-results>`: some of a round's pairs, word by word, once they are made. */
export class PairResults extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    round: { type: Number },
    news: {},
    pairs: { state: true },
  }
  declare runner: Pick<RunnerApi, 'pairs'> | undefined
  declare run: string | undefined
  declare round: number
  /** Changes when there is something new to read. */
  declare news: string
  declare pairs: PairSample | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('round') || changed.has('news')) void this.#load()
  }

  override render() {
    const { pairs } = this
    if (!pairs) return nothing
    return html`<details>
      <summary>${pairs.pairs.length < pairs.count ? `${pairs.pairs.length} of the ` : ''}${pairs.count.toLocaleString('en')} pairs this run made</summary>
      ${pairsView(pairs)}
    </details>`
  }

  async #load(): Promise<void> {
    const { run, round, runner } = this
    const pairs = run ? await runner?.pairs(run, round).catch(() => undefined) : undefined
    if (run === this.run && round === this.round) this.pairs = pairs
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`summary { width: fit-content; margin-bottom: 0.5rem; color: var(--accent); }`,
  ]
}

customElements.define('pair-results', PairResults)
