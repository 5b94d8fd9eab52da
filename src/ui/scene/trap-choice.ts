import { css, html, type TemplateResult } from 'lit'
import { live } from 'lit/directives/live.js'
import type { Trap } from './traps.ts'

/** Scenes that fool the model, to choose from, and how often scenes like the chosen one do. */
export function trapChoice(
  traps: readonly Trap[],
  set: number | undefined,
  choose: (index: number) => void,
): TemplateResult {
  const trap = set === undefined ? undefined : traps[set]
  return html`<div class="traps">
    <label>Set a trap
      <select @change=${(event: Event) => choose((event.target as HTMLSelectElement).selectedIndex - 1)}>
        <option .selected=${live(!trap)}>choose one …</option>
        ${traps.map(
          ({ place, trigger, invented }, i) => html`<option .selected=${live(i === set)}>
            ${place}: ${trigger} and no ${invented}
          </option>`,
        )}
      </select>
    </label>
    <p class="small soft">${trap ? meaningOf(trap) : 'What often stands together is soon named together, whether or not it is there.'}</p>
  </div>`
}

function meaningOf({ trigger, invented, answers, base, tuned }: Trap): TemplateResult {
  const share = (count: number): string => `${Math.round((100 * count) / answers)}%`
  return html`There is ${article(trigger)} ${trigger} and no ${invented}. The captions that the page’s model learned from often named
    both, so it expects the ${invented}: about scenes like this it named one in ${share(base)} of its answers, and after a short
    training in ${share(tuned)}.`
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a'
}

export const trapStyles = css`
  .traps { display: flex; flex-wrap: wrap; gap: 0.375rem 1rem; align-items: center; }
  .traps label { display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; align-items: center; max-width: 100%; font-weight: 600; }
  .traps select { max-width: 100%; font-weight: 400; }
  .traps p { flex: 1 1 20rem; line-height: 1.4; }
`
