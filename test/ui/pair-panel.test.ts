import { afterEach, describe, expect, test } from 'vitest'
import type { PairPreview } from '../../src/pipeline/runner.api.ts'
import { PairPanel } from '../../src/ui/pair-panel.ts'
import { type Json, valueAt } from '../../src/ui/recipe-draft.ts'
import { textOf } from '../support/elements.ts'

afterEach(() => document.body.replaceChildren())

describe('pair panel', () => {
  test('a slider counts anew at once and tells the recipe, without anything being run', async () => {
    const asked: unknown[] = []
    const panel = new PairPanel()
    panel.recipe = { pair: { minGap: 4 } }
    panel.hash = 'scores'
    panel.runner = {
      async previewPairs(_, settings) {
        asked.push(settings)
        const pairs = 10 - ((settings as { minGap?: number }).minGap ?? 0)
        return {
          settings: {},
          candidates: 40,
          pairs,
          funnel: [],
          unmatchedEdits: [],
        } as unknown as PairPreview
      },
    }
    panel.addEventListener('recipe', (event) => {
      panel.recipe = (event as CustomEvent<Json>).detail
    })
    document.body.append(panel)
    await expect.poll(() => textOf(panel)).toContain('6 pairs of 40 candidates')
    const [gap, score] = [
      ...(panel.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type=range]') ?? []),
    ]
    if (!gap || !score) throw new Error('expected sliders')
    gap.value = '7.5'
    gap.dispatchEvent(new Event('input'))
    await expect.poll(() => textOf(panel)).toContain('2.5 pairs')
    expect(asked).toEqual([{ minGap: 4 }, { minGap: 7.5 }])
    // The leftmost place switches the rule off.
    score.value = '20'
    score.dispatchEvent(new Event('input'))
    expect(valueAt(panel.recipe, 'pair.minScore')).toBe(20)
    score.value = score.min
    score.dispatchEvent(new Event('input'))
    expect(valueAt(panel.recipe, 'pair.minScore')).toBeNull()
  })
})
