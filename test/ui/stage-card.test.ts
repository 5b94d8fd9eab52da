import { expect, test } from 'vitest'
import '../../src/ui/stage-card.ts'
import type { PartState, StageState } from '../../src/ui/run-state.ts'
import type { StageCard } from '../../src/ui/stage-card.ts'

async function shown(part: Partial<PartState>): Promise<string> {
  const current: PartState = {
    stage: 'train',
    round: 1,
    state: 'running',
    hash: 'h',
    done: 0,
    total: 0,
    unit: '',
    samples: [],
    ...part,
  }
  const state: StageState = { state: 'running', parts: [current], current }
  const card = Object.assign(document.createElement('stage-card') as StageCard, {
    stage: 'train',
    number: 5,
    state,
  })
  document.body.append(card)
  await card.updateComplete
  const text = card.shadowRoot?.querySelector('.progress')?.textContent ?? ''
  card.remove()
  return text.replace(/\s+/g, ' ').trim()
}

test('a stage under way tells how far it is, what it waits for, or that it gets ready', async () => {
  expect(await shown({ done: 3, total: 4, unit: 'steps', detail: 'loss 0.5' })).toBe('3 of 4 steps loss 0.5')
  expect(await shown({ detail: 'another run is making the same' })).toBe('another run is making the same')
  expect(await shown({})).toMatch(/^getting ready/)
})
