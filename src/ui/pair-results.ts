import { css, html, nothing, type PropertyValues } from 'lit'
import type { PairSample } from '../pipeline/run-view.ts'
import './pair-editor.ts'
import { pagerView } from './pager.ts'
import { PairElement } from './pair-element.ts'
import { pairMark } from './pair-marks.ts'
import { valueAt } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { pairsView } from './views/pairs.ts'

const SIZE = 24

/** `<pair-results>`: a round's pairs page by page, word by word, once they are made; each can be struck out or flipped by hand, and others added. */
export class PairResults extends PairElement {
  static override properties = { pairs: { state: true }, start: { state: true } }
  declare pairs: PairSample | undefined
  /** Of the pairs that are shown. */
  declare start: number

  constructor() {
    super()
    this.start = 0
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const isOther = (['run', 'round', 'news'] as const).some((name) => changed.has(name))
    if (isOther) this.start = 0
    if (isOther || changed.has('start')) void this.#load()
  }

  override render() {
    const { pairs, start, recipe, round, locked } = this
    if (!pairs) return nothing
    const control = valueAt(recipe, 'pair.control')
    const isControl = control !== undefined && control !== 'none'
    const marks = { recipe, round, locked, tell: this.tell }
    return html`
      <details>
        <summary>${pairs.count.toLocaleString('en')} pairs this run made</summary>
        ${
          isControl
            ? html`<p class="small soft">These are a negative control’s pairs: they are not edited by hand.</p>
              ${pairsView(pairs)}`
            : pairsView(pairs, (pair) => pairMark(pair, marks))
        }
        ${pagerView({ start, size: SIZE, count: pairs.count, unit: 'pairs', turn: this.#turn })}
      </details>
      ${
        isControl
          ? nothing
          : html`<details>
              <summary>Edit a picture’s pairs, or add one</summary>
              <pair-editor
                .runner=${this.runner}
                .thumbnails=${this.thumbnails}
                .run=${this.run}
                .round=${round}
                .datasetHash=${this.datasetHash}
                .news=${this.news}
                .recipe=${recipe}
                .locked=${locked}
              ></pair-editor>
            </details>`
      }
    `
  }

  readonly #turn = (start: number): void => {
    this.start = start
  }

  async #load(): Promise<void> {
    const { run, round, start, runner } = this
    const pairs = run
      ? await runner?.pairs(run, round, start, start + SIZE).catch(() => undefined)
      : undefined
    if (run === this.run && round === this.round && start === this.start) this.pairs = pairs
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.5rem; }
      summary { width: fit-content; margin-bottom: 0.5rem; color: var(--accent); }
    `,
  ]
}

customElements.define('pair-results', PairResults)
