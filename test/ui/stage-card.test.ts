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

test('a stage under way tells its speed and the time left, by what it did in the last half minute', async () => {
  const samples = [
    { at: 0, done: 10 },
    { at: 4000, done: 18 },
  ]
  expect(await shown({ done: 18, total: 40, unit: 'pictures', samples })).toBe(
    '18 of 40 pictures 2.0 pictures a second, 11 s left',
  )
  expect(await shown({ done: 18, total: 40, unit: 'steps', samples })).toContain('500 ms a step, 11 s left')
  const slow = [
    { at: 0, done: 17 },
    { at: 10_000, done: 18 },
  ]
  expect(await shown({ done: 18, total: 40, unit: 'pictures', samples: slow })).toContain(
    '6.0 pictures a minute, 3 min 40 s left',
  )
  expect(await shown({ done: 18, total: 40, unit: 'pictures', samples: samples.slice(0, 1) })).toBe(
    '18 of 40 pictures',
  )
})
