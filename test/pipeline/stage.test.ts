import { afterEach, beforeEach, expect, test } from 'vitest'
import { runStage, type StageOutput } from '../../src/pipeline/stage.ts'
import { type TestRun, testRun } from '../support/stage.ts'
import { testStore } from '../support/store.ts'

let first: TestRun
let second: TestRun
beforeEach(async () => {
  const files = testStore()
  first = await testRun(files, 'first')
  second = await testRun(files, 'second')
})
afterEach(async () => {
  await first.close()
  await second.close()
})

const SPEC = { stage: 'caption', kind: 'candidates', version: 1, round: 1, settings: {}, inputs: {} } as const

/** A stage of two units that stops after each until it is let on, and counts what it makes. */
function slowStage() {
  const made: number[] = []
  const gates = [0, 1].map(() => Promise.withResolvers<void>())
  const run = ({ context }: TestRun): Promise<StageOutput<string, string>> =>
    runStage(context, SPEC, async (units, progress) => {
      for (const unit of [0, 1]) {
        if (await units.has(unit)) continue
        made.push(unit)
        await units.put(unit, `unit ${unit}`)
        progress(unit + 1, 2, 'units')
        await gates[unit]?.promise
      }
      return 'whole'
    })
  return { made, gates, run }
}

const states = ({ events }: TestRun): string[] =>
  events.flatMap((event) => (event.kind === 'stage' ? [event.state] : []))
const isWaiting = ({ events }: TestRun): boolean =>
  events.some(
    ({ kind, ...event }) => kind === 'progress' && 'detail' in event && /waiting/.test(`${event.detail}`),
  )

test('of two runs that come to the same output at once one makes it, and the other says that it waits', async () => {
  const { made, gates, run } = slowStage()
  const ended = run(first)
  await expect.poll(() => made).toEqual([0])
  const taken = run(second)
  await expect.poll(() => isWaiting(second)).toBe(true)
  expect(isWaiting(first)).toBe(false)
  for (const { resolve } of gates) resolve()
  expect((await ended).summary).toBe('whole')
  expect((await taken).summary).toBe('whole')
  expect(made).toEqual([0, 1])
  expect(states(first)).toEqual(['running', 'done'])
  expect(states(second)).toEqual(['running', 'stored'])
})

test('where the one that makes it is broken off, the other goes on from there', async () => {
  const { made, gates, run } = slowStage()
  const broken = run(first)
  await expect.poll(() => made).toEqual([0])
  const taken = run(second)
  await expect.poll(() => isWaiting(second)).toBe(true)
  gates[0]?.reject(new Error('closed'))
  gates[1]?.resolve()
  await expect(broken).rejects.toThrow('closed')
  expect((await taken).summary).toBe('whole')
  expect(made).toEqual([0, 1])
  expect(states(second)).toEqual(['running', 'running', 'done'])
})

test('one that waits can be stopped', async () => {
  const { made, gates, run } = slowStage()
  const ended = run(first)
  await expect.poll(() => made).toEqual([0])
  const stopped = run(second)
  await expect.poll(() => isWaiting(second)).toBe(true)
  second.cancel()
  await expect(stopped).rejects.toThrow('stopped')
  for (const { resolve } of gates) resolve()
  expect((await ended).summary).toBe('whole')
  expect(await run(second).catch((error: Error) => error.name)).toBe('AbortError')
})
