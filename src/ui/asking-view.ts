import { css, html, nothing, type TemplateResult } from 'lit'
import type { ShownAnswer } from '../pipeline/runner.api.ts'
import './answer-text.ts'
import { type AskedPicture, truthOf } from './asked-picture.ts'
import type { Questioner, Said } from './questioner.ts'

export interface AskingView {
  readonly questioner: Questioner
  readonly asked: AskedPicture | undefined
  readonly prompt: string
  readonly locked: boolean
  readonly setPrompt: (prompt: string) => void
}

/** The question, how strongly what was learned counts, and both answers side by side. */
export function askingView({ questioner, asked, prompt, locked, setPrompt }: AskingView): TemplateResult {
  const { said, strength, isAsking, problem } = questioner
  const truth = truthOf(asked)
  return html`<div class="side">
    <div class="asking">
      <label>Prompt
        <input
          .value=${prompt}
          @change=${(event: Event) => setPrompt((event.target as HTMLInputElement).value)}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key !== 'Enter') return
            setPrompt((event.target as HTMLInputElement).value)
            void questioner.ask()
          }}
        />
      </label>
      <label>
        <span class="row"><span>Strength of what was learned</span> <output class="numbers">${strength.toFixed(2)}</output></span>
        <input
          type="range"
          min="0"
          max="1.5"
          step="0.05"
          .value=${String(strength)}
          @input=${(event: Event) => {
            questioner.strength = Number((event.target as HTMLInputElement).value)
          }}
          @change=${() => questioner.ask()}
        />
        <span class="small soft">0 is the model as it was, 1 as trained, more exaggerates.</span>
      </label>
    </div>
    <div class="row">
      <button class="primary" ?disabled=${locked || isAsking || !asked} @click=${() => questioner.ask()}>
        ${isAsking ? 'Answering …' : 'Ask both'}
      </button>
      ${isAsking ? html`<button @click=${() => questioner.stop()}>Stop</button>` : nothing}
      ${isAsking && said?.loading ? loadingView(said.loading) : nothing}
      ${locked ? html`<span class="small soft">Once the run has ended.</span>` : nothing}
    </div>
    ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
    <div class="answers" aria-live="polite" aria-busy=${isAsking}>
      ${answerView('As it was', said?.base)}
      ${answerView(said?.tuned && said.strength !== 1 ? `After training, strength ${said.strength.toFixed(2)}` : 'After training', said?.tuned)}
    </div>
    ${truth && asked?.kind !== 'scene' ? html`<p class="small soft">In the picture: ${truth.truth.join(', ')}.</p>` : nothing}
  </div>`
}

function loadingView({ what, done, total }: NonNullable<Said['loading']>): TemplateResult {
  const percent = Math.round((100 * done) / Math.max(1, total))
  return html`<span class="small soft" role="status">Loading ${what}: ${percent}%</span>`
}

function answerView(name: string, answer: ShownAnswer | undefined): TemplateResult {
  return html`<div>
    <h3>${name}</h3>
    <answer-text .name=${name} .answer=${answer}></answer-text>
  </div>`
}

export const askingStyles = css`
  .side { display: flex; flex-direction: column; gap: 0.75rem; align-items: stretch; min-width: 0; }
  .asking { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.75rem 1.25rem; }
  .asking label { display: flex; flex-direction: column; gap: 0.1875rem; }
  .asking label .row { justify-content: space-between; }
  .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.75rem; }
  .answers > div { padding: 0.75rem 1rem; min-height: 6rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); }
  h3 { font-size: 0.875rem; font-weight: 400; color: var(--ink-soft); }
`
