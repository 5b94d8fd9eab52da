import { afterEach, beforeEach, expect, test } from 'vitest'
import { PauseSwitch } from '../../src/pipeline/pause.ts'
import { SpentTime } from '../../src/pipeline/spent-time.ts'
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

test('the time of all sessions is added up, and pauses are left out', async () => {
  let clock = 0
  const pause = new PauseSwitch(() => clock)
  const work = async (breaks: boolean) => {
    const context = { ...first.context, workTime: () => pause.workTime() }
    return await runStage<string, string>(context, SPEC, async (_, progress) => {
      clock += 11_000
      progress(1, 2, 'units') // keeps the time, should nothing more be heard of it
      clock += 4000
      pause.pause()
      clock += 100_000
      pause.resume()
      clock += 1000
      if (breaks) throw new Error('broken off')
      return 'whole'
    })
  }
  await expect(work(true)).rejects.toThrow('broken off')
  const { seconds, units } = await work(false)
  expect(seconds).toBe(32)
  expect(await units.spent()).toBe(0) // told by its end from now on
  expect((await runStage(first.context, SPEC, async () => 'other')).seconds).toBe(32)
})

test('of a session that ended without a word it is known how long it took until a while ago', async () => {
  let clock = 0
  const time = await SpentTime.of(await first.context.run.stage('candidates', 'a'), () => clock)
  clock = 9000
  time.keepNowAndThen()
  clock = 12_000
  time.keepNowAndThen()
  clock = 13_000
  time.keepNowAndThen()
  await time.settle()
  const again = await SpentTime.of(await first.context.run.stage('candidates', 'a'), () => clock)
  expect(again.seconds).toBe(12)
})
