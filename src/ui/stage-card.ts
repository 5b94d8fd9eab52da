import { css, html, LitElement, nothing } from 'lit'
import type { StageName } from '../pipeline/events.ts'
import { type PartState, paceOf, type StageState } from './run-state.ts'
import { sharedStyles } from './shared-styles.ts'
import { formatSeconds, formatStep } from './views/format.ts'

/** What each stage does, in one sentence. */
export const STAGE_TEXTS: Readonly<Record<StageName, { readonly title: string; readonly text: string }>> = {
  dataset: { title: 'Pictures', text: 'The pictures the model is trained on, and others it is measured on.' },
  caption: {
    title: 'Captions',
    text: 'The model describes every picture several times, not always truthfully.',
  },
  score: {
    title: 'Scores',
    text: 'CLIP, which sees picture and text together, says how well each description fits.',
  },
  pair: {
    title: 'Pairs',
    text: 'Rules pick a better and a worse description of the same picture, where CLIP can tell them apart.',
  },
  train: {
    title: 'Training',
    text: 'The model learns, by direct preference optimisation, to prefer the better ones.',
  },
  evaluate: {
    title: 'Before and after',
    text: 'On pictures it has never seen: how often it invents things now, and how often before.',
  },
}

const STATES: Readonly<Record<StageState['state'], { readonly mark: string; readonly text: string }>> = {
  waiting: { mark: '○', text: 'waiting' },
  running: { mark: '◐', text: 'running' },
  paused: { mark: '‖', text: 'paused' },
  done: { mark: '✓', text: 'done' },
  stored: { mark: '✓', text: 'kept from before' },
  stopped: { mark: '■', text: 'stopped' },
  failed: { mark: '×', text: 'failed' },
}

/** `<stage-card>`: one of the six stages: its state, how far it is, and, in its slots `settings` and default, what belongs to it. */
export class StageCard extends LitElement {
  static override properties = {
    stage: {},
    number: { type: Number },
    state: { attribute: false },
  }
  declare stage: StageName
  declare number: number
  declare state: StageState

  override render() {
    const { title, text } = STAGE_TEXTS[this.stage]
    const { state, current, parts } = this.state
    const seconds = parts.reduce((sum, part) => sum + (part.seconds ?? 0), 0)
    return html`
      <section aria-labelledby="title" aria-busy=${state === 'running'}>
        <header>
          <span class="number" aria-hidden="true">${this.number}</span>
          <div>
            <h2 id="title">${title}</h2>
            <p class="soft">${text}</p>
          </div>
          <span class="state ${state}" role="status">
            <span aria-hidden="true">${STATES[state].mark}</span> ${STATES[state].text}${
              seconds >= 0.05 && (state === 'done' || state === 'stored')
                ? html`<span class="soft">, ${state === 'stored' ? 'took ' : ''}${formatSeconds(seconds)}</span>`
                : nothing
            }
          </span>
        </header>
        ${current ? progressView(current) : nothing}
        <slot name="settings"></slot>
        <slot></slot>
      </section>
    `
  }

  static override styles = [
    sharedStyles,
    css`
      section {
        display: flex;
        flex-direction: column;
        gap: 1rem;
        padding: 1.25rem 1.5rem;
        background: var(--card);
        border: 1px solid var(--line);
        border-radius: 14px;
      }
      header { display: grid; grid-template-columns: auto 1fr auto; gap: 0.25rem 0.875rem; align-items: start; }
      .number {
        display: grid;
        place-items: center;
        width: 2rem;
        height: 2rem;
        border-radius: 50%;
        background: var(--paper);
        border: 1px solid var(--line);
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      h2 { font-size: 1.1875rem; line-height: 2rem; }
      header p { text-wrap: pretty; line-height: 1.45; }
      .state { line-height: 2rem; font-size: 0.9375rem; white-space: nowrap; }
      .state.waiting { color: var(--ink-soft); }
      .state:is(.done, .stored) > span:first-child { color: var(--good); }
      .state.running { color: var(--accent); }
      .state:is(.paused, .stopped) { color: var(--slow); }
      .state.failed { color: var(--bad); }
      @media (max-width: 34rem) {
        section { padding: 1rem; }
        header { grid-template-columns: auto 1fr; }
        .state { grid-column: 2; line-height: 1.4; }
      }
    `,
    css`
      .progress { display: flex; flex-direction: column; gap: 0.375rem; }
      progress { appearance: none; width: 100%; height: 0.5rem; border: 0; border-radius: 1rem; background: var(--line); overflow: hidden; }
      progress::-webkit-progress-bar { background: var(--line); }
      progress::-webkit-progress-value { background: var(--accent); border-radius: 1rem; transition: width 0.2s; }
      progress::-moz-progress-bar { background: var(--accent); border-radius: 1rem; }
      @media (prefers-reduced-motion: reduce) { progress::-webkit-progress-value { transition: none; } }
    `,
  ]
}

/** How far a part of a stage is. */
function progressView(part: PartState) {
  const { done, total, unit, detail, part: name } = part
  const pace = paceOf(part)
  const label = name === undefined || name === 'train' ? '' : `${name}: `
  return html`<div class="progress">
    <progress aria-label="Progress" max=${total || nothing} .value=${done} value=${total > 0 ? done : nothing}></progress>
    <p class="row small numbers">
      <span>${label}${total > 0 ? html`${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${unit}` : (detail ?? 'getting ready …; the first time, the GPU’s programs are compiled')}</span>
      ${detail && total > 0 ? html`<span class="soft">${detail}</span>` : nothing}
      ${
        pace
          ? html`<span class="soft">${formatRate(pace.rate, unit)}, ${formatSeconds(pace.secondsLeft)} left</span>`
          : nothing
      }
    </p>
  </div>`
}

/** A rate for people: `12 pictures a second`, `3.1 pictures a minute`, `320 ms a step`. */
function formatRate(rate: number, unit: string): string {
  if (unit === 'steps') return `${formatStep(1 / rate)} a step`
  return rate >= 1
    ? `${rate.toPrecision(2)} ${unit} a second`
    : `${(60 * rate).toPrecision(2)} ${unit} a minute`
}

customElements.define('stage-card', StageCard)
