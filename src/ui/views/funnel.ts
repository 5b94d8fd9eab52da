import { html, nothing, type TemplateResult } from 'lit'
import type { FunnelExample, FunnelStep } from '../../method/funnel.ts'
import type { PairSettings } from '../../method/pair-settings.ts'
import { explained } from './explained.ts'
import { formatCount } from './format.ts'
import { RULES } from './rules.ts'

/**
 * What every rule took: a bar of what came, in which what was removed is hatched, and examples to unfold. Bars of candidates
 * and of pairs have a scale each.
 * @param settings of the rules, to be told beside them. @param round tells the rounds of one document apart. Default 1.
 */
export function funnelView(steps: readonly FunnelStep[], settings: PairSettings, round = 1): TemplateResult {
  if (steps.length === 0) return html`<p class="note">No rule has been applied yet.</p>`
  return html`<ol class="funnel">
    ${steps.map((step, i) => {
      const same = steps.filter(({ unit }) => unit === step.unit)
      const most = Math.max(1, ...same.flatMap(({ came, remained }) => [came, remained]))
      return stepView(step, most, settings, `rule-${round}-${i}`)
    })}
  </ol>`
}

function stepView(step: FunnelStep, most: number, settings: PairSettings, id: string) {
  const { rule, unit, came, removed, changed = 0, added = 0, remained, examples } = step
  const text = RULES[rule]
  const setting = text?.setting?.(settings)
  const width = (count: number): string => `width: ${((100 * count) / most).toFixed(2)}%`
  return html`<li class=${removed + changed + added === 0 ? 'idle' : ''}>
    <div class="rule">
      <span class="name"
        >${text ? explained(id, text.name, text.meaning) : rule}${setting ? html` <small class="setting">${setting}</small>` : nothing}</span
      >
      <span class="bar" aria-hidden="true"
        ><span class="remained" style=${width(remained)}></span
        ><span class="removed" style=${width(removed)}></span
      ></span>
      <span class="counts"
        >${formatCount(came)} ${unit}: <b>${formatCount(removed)} removed</b>,
        ${changed > 0 ? html`<b>${formatCount(changed)} flipped</b>, ` : nothing}${
          added > 0 ? html`<b>${formatCount(added)} added</b>, ` : nothing
        }${formatCount(remained)} left</span
      >
    </div>
    ${examples.length === 0 ? nothing : examplesView(examples)}
  </li>`
}

function examplesView(examples: readonly FunnelExample[]): TemplateResult {
  return html`<details>
    <summary>${examples.length === 1 ? 'an example' : `${examples.length} examples`}</summary>
    <ul>
      ${examples.map(
        ({ image, text, why }) =>
          html`<li><q>${text}</q> <span class="why">${why}</span> <small>${image}</small></li>`,
      )}
    </ul>
  </details>`
}
