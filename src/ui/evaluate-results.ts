import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { RunView } from '../pipeline/run-view.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import './card-pages.ts'
import { plainProblem } from './problems.ts'
import { placeText } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'
import './take-away.ts'
import { viewStyles } from './view-styles.ts'
import { formatPictures } from './views/format.ts'
import {
  confusionView,
  figuresView,
  objectsView,
  recipeView,
  shownView,
  timesView,
  verdictsView,
  yesNoView,
} from './views/index.ts'

/** `<evaluate-results>`: what a finished run came to: figures, captions side by side, what is invented, and files to take away. */
export class EvaluateResults extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    news: {},
    view: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'view' | 'cards' | 'file' | 'archive' | 'evaluations'> | undefined
  declare run: string | undefined
  /** Changes when there is something new to read; empty while the run has not ended. */
  declare news: string
  declare view: RunView | undefined
  declare problem: string | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('news')) void this.#load()
  }

  override render() {
    const { view, problem } = this
    if (problem) return html`<p class="problem" role="alert">${problem}</p>`
    if (!view) return nothing
    const { summary, cards, shown, objects, zeroShot, yesNo, recipe } = view
    const { adapter } = recipe.evaluate
    return html`
      ${adapter ? html`<p>This is the model as it was ${placeText(adapter)}.</p>` : nothing}
      <p>Measured on ${formatPictures(summary.images)}.</p>
      ${verdictsView(summary.verdicts)}
      <take-away .runner=${this.runner} .run=${this.run} .view=${view}></take-away>
      ${shown.map(
        (sample) => html`<h3>Before and after, not judged</h3>
          <div class="bounded" tabindex="0" role="region" aria-label="Pictures that are not judged">${shownView(sample)}</div>`,
      )}
      ${
        cards.cards.length > 0
          ? html`<h3>The same pictures before and after</h3>
              <card-pages .runner=${this.runner} .run=${this.run} .news=${this.news}></card-pages>`
          : nothing
      }
      <h3>Figures</h3>
      ${figuresView(summary)}
      <adapter-evaluations .runner=${this.runner} .run=${this.run}></adapter-evaluations>
      ${objects.before.length > 0 ? more('What is invented, and beside what', objectsView(objects)) : nothing}
      ${yesNo.length > 0 ? more('Yes/no questions by kind', yesNoView(yesNo)) : nothing}
      ${zeroShot ? more('Single objects: what they were taken for', confusionView(zeroShot)) : nothing}
      ${more('Time and memory', timesView(summary))} ${more('The recipe', recipeView(recipe))}
    `
  }

  async #load(): Promise<void> {
    const { run, news, runner } = this
    this.problem = undefined
    if (!run || !news) {
      this.view = undefined
      return
    }
    try {
      const view = await runner?.view(run)
      if (run === this.run) this.view = view
    } catch (error) {
      if (run === this.run) this.problem = plainProblem(error)
    }
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1.25rem; }
      h3 { font-size: 1.0625rem; }
      .bounded .card:first-child { border-top: 0; }
      details > summary { width: fit-content; color: var(--accent); }
      details[open] > summary { margin-bottom: 0.75rem; }
    `,
  ]
}

function more(title: string, body: TemplateResult) {
  return html`<details><summary>${title}</summary>${body}</details>`
}

customElements.define('evaluate-results', EvaluateResults)
