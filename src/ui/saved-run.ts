import { css, html, LitElement, nothing, type PropertyValues, render } from 'lit'
import { recipeJson } from '../pipeline/recipe.ts'
import type { RunView } from '../pipeline/run-view.ts'
import { reportView } from './report.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'

/**
 * `<saved-run>`: a run that was read from a report, to look at. A `recipe` event (`CustomEvent<object>`) asks for its recipe to be
 * taken, a `close` event for it to go.
 */
export class SavedRun extends LitElement {
  static override properties = {
    run: { attribute: false },
    locked: { type: Boolean },
    problem: { state: true },
  }
  declare run: RunView
  /** While a run is under way. */
  declare locked: boolean
  declare problem: string | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run')) this.problem = faultOf(this.run)
  }

  override render() {
    const { run, problem } = this
    return html`
      <section aria-labelledby="title">
        <h3 id="title">From a report: ${String(run.recipe.name)}</h3>
        <p class="row">
          ${
            problem
              ? nothing
              : html`<button
                  ?disabled=${this.locked}
                  @click=${() => this.dispatchEvent(new CustomEvent('recipe', { detail: recipeJson(run.recipe) }))}
                >
                  Take its recipe
                </button>`
          }
          <button class="quiet" @click=${() => this.dispatchEvent(new Event('close'))}>Close</button>
        </p>
        ${problem ? html`<p class="problem" role="alert">${problem}</p>` : html`<div class="views" tabindex="0" role="region" aria-label="What the report shows">${reportView(run)}</div>`}
      </section>
    `
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      section { display: flex; flex-direction: column; gap: 0.75rem; }
      .views { max-height: 85vh; overflow: auto; padding: 0 1rem 1rem; border: 1px solid var(--line); border-radius: 11px; }
      .views h2 { margin: 1.5rem 0 0.75rem; font-size: 1.0625rem; }
    `,
  ]
}

/** Why a run cannot be shown: its file says of itself that it is one, and that may be wrong. */
function faultOf(run: RunView): string | undefined {
  try {
    render(reportView(run), document.createElement('div'))
    return undefined
  } catch (cause) {
    return `expected a report of this version of the page, found one that cannot be shown: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

customElements.define('saved-run', SavedRun)
