import { css, html, LitElement, nothing } from 'lit'
import type { Damage } from '../pipeline/events.ts'
import './copy-link.ts'
import type { RunState } from './run-state.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<run-bar>`: what the run is doing and the buttons that start, hold and stop it; while there is something to press it stays in
 * sight. Dispatches `start`, `pause`, `resume`, `cancel`.
 */
export class RunBar extends LitElement {
  static override properties = {
    name: {},
    state: { attribute: false },
    isChanged: { type: Boolean },
    hint: {},
    link: { attribute: false },
  }
  declare name: string
  declare state: RunState
  /** Whether the settings are others than those of the run that is shown. */
  declare isChanged: boolean
  /** What is missing before it can start; empty when nothing is. */
  declare hint: string
  /** Makes a link that carries the recipe. */
  declare link: () => Promise<string>

  override willUpdate(): void {
    const isNeeded = this.isChanged || ['running', 'paused', 'stopping'].includes(this.state.status)
    this.toggleAttribute('stays', isNeeded)
  }

  override render() {
    const { status, loading, problem, damage = [] } = this.state
    return html`
      <section aria-label="Run">
        <div class="row">
          <strong>${this.name}</strong>
          <span role="status" class="soft">${statusText(this.state)}</span>
          <span class="buttons row"><copy-link .link=${this.link}></copy-link>${this.#buttons()}</span>
        </div>
        ${
          loading
            ? html`<p class="small soft">Loading ${loading.what}: ${Math.round((100 * loading.done) / Math.max(1, loading.total))}%</p>`
            : nothing
        }
        ${problem && status === 'failed' ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
        ${homeless(damage).map(({ text }) => html`<p class="small soft">${text}</p>`)}
        ${this.hint ? html`<p class="small soft">${this.hint}</p>` : nothing}
      </section>
    `
  }

  #buttons() {
    const { status } = this.state
    const tell = (type: string) => () => this.dispatchEvent(new Event(type))
    const stop = html`<button @click=${tell('cancel')}>Stop</button>`
    switch (status) {
      case 'running':
        return html`<button @click=${tell('pause')}>Pause</button>${stop}`
      case 'paused':
        return html`<button class="primary" @click=${tell('resume')}>Resume</button>${stop}`
      case 'elsewhere':
        return nothing
      case 'stopping':
        return html`<button disabled>Stopping …</button>`
      default: {
        if (status === 'done' && !this.isChanged)
          return html`<button
            class="quiet"
            title="Takes what is kept from before, and makes again what is missing"
            ?disabled=${this.hint !== ''}
            @click=${tell('start')}
          >
            Run again
          </button>`
        const label = this.isChanged ? 'Run with these settings' : status === 'idle' ? 'Start' : 'Resume'
        return html`<button class="primary" ?disabled=${this.hint !== ''} @click=${tell('start')}>${label}</button>`
      }
    }
  }

  static override styles = [
    sharedStyles,
    css`
      :host { scroll-margin-top: 0.5rem; }
      :host([stays]) { position: sticky; top: 0.5rem; z-index: 2; }
      :host([stays]) section { box-shadow: 0 4px 18px light-dark(#0001, #0006); }
      section {
        display: flex;
        flex-direction: column;
        gap: 0.25rem;
        padding: 0.625rem 1rem 0.625rem 1.5rem;
        background: color-mix(in srgb, var(--card) 92%, transparent);
        backdrop-filter: blur(8px);
        border: 1px solid var(--line);
        border-radius: 14px;
      }
      .buttons { margin-left: auto; min-height: 2.375rem; }
      strong { font-size: 1.0625rem; }
    `,
  ]
}

/** Damage that belongs to no stage, whose card would tell of it. */
function homeless(damage: readonly Damage[]): Damage[] {
  return damage.filter(({ stage }) => stage === undefined)
}

function statusText({ status, parts }: RunState): string {
  const running = parts.findLast(({ state }) => state === 'running')
  switch (status) {
    case 'idle':
      return 'not started'
    case 'running':
      return running ? `running: ${running.stage}` : 'starting …'
    case 'paused':
      return 'paused; nothing is lost'
    case 'stopping':
      return 'stopping …'
    case 'stopped':
      return 'stopped; what was finished is kept'
    case 'failed':
      return 'did not get to its end; what was finished is kept'
    case 'done':
      return 'done'
    case 'elsewhere':
      return 'open in another tab: go on there, or close that tab'
  }
}

customElements.define('run-bar', RunBar)
