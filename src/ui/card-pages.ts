import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { CardKind, CardSample } from '../pipeline/run-view.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { pagerView } from './pager.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { cardsView } from './views/cards.ts'

const SIZE = 12

/** `<card-pages>`: all evaluated pictures with what was said before and after, page by page, of one kind or of all. */
export class CardPages extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    news: {},
    kind: { state: true },
    start: { state: true },
    sample: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'cards'> | undefined
  /** A run that has been evaluated. */
  declare run: string
  /** Changes when it has been evaluated anew. */
  declare news: string
  declare kind: CardKind
  declare start: number
  declare sample: CardSample | undefined
  declare problem: string | undefined

  constructor() {
    super()
    this.kind = 'all'
    this.start = 0
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('kind')) this.start = 0
    if ((['run', 'news', 'kind', 'start'] as const).some((name) => changed.has(name))) void this.#load()
  }

  override render() {
    const { kind, start, sample, problem } = this
    if (problem) return html`<p class="problem" role="alert">${problem}</p>`
    if (!sample) return nothing
    const { counts } = sample
    const count = kind === 'all' ? counts.fixed + counts.broken + counts.both + counts.clean : counts[kind]
    return html`
      <div class="bounded" tabindex="0" role="region" aria-label="Pictures before and after" @change=${this.#chosen}>
        ${cardsView(sample, kind, count > SIZE ? 'In an order drawn at random.' : '')}
      </div>
      ${pagerView({ start, size: SIZE, count, unit: 'pictures', turn: (to) => this.#turn(to) })}
    `
  }

  #turn(start: number): void {
    this.start = start
    this.renderRoot.querySelector('.bounded')?.scrollTo({ top: 0 })
  }

  readonly #chosen = (event: Event): void => {
    this.kind = (event.target as HTMLInputElement).value as CardKind
  }

  async #load(): Promise<void> {
    const { runner, run, kind, start } = this
    try {
      const sample = await runner?.cards(run, { kind, start, end: start + SIZE })
      if (run !== this.run || kind !== this.kind || start !== this.start) return
      this.sample = sample
      this.problem = undefined
    } catch (error) {
      if (run === this.run) this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.75rem; }
      .bounded fieldset { position: sticky; z-index: 1; top: 0; padding: 0.75rem 0; background: var(--card); }
      .bounded .card-list { margin-top: 0; }
    `,
  ]
}

customElements.define('card-pages', CardPages)
