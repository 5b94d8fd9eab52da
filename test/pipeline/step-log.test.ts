import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSteps, StepLog } from '../../src/pipeline/stages/step-log.ts'
import { IncompleteStageError } from '../../src/store/errors.ts'
import type { StageStore } from '../../src/store/stages.ts'
import type { StepMetrics } from '../../src/workers/policy.api.ts'
import { type TestRun, testRun } from '../support/stage.ts'
import { Raw, type TestStore, testStore } from '../support/store.ts'

let files: TestStore
let run: TestRun
let units: StageStore<unknown>
beforeEach(async () => {
  files = testStore({ onCorrupt: () => {} })
  run = await testRun(files)
  units = await run.context.run.stage('results', 'a')
})
afterEach(() => run.close())

const step = (number: number) => ({ step: number, loss: 1 / number }) as StepMetrics
const numbers = (steps: readonly StepMetrics[]): number[] => steps.map(({ step: number }) => number)
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('a checkpoint writes no more steps the longer the training is, and none twice that are as they were', async () => {
  const written: number[] = []
  const put = async (unit: string | number, steps: unknown) => {
    written.push((steps as unknown[]).length)
    await units.put(unit, steps)
  }
  const log = new StepLog({ put }, [])
  for (const number of upTo(250)) {
    log.add(step(number))
    await log.save()
    await log.save()
  }
  expect(written).toHaveLength(250)
  expect(Math.max(...written)).toBe(100)
  expect(await readSteps(units)).toEqual(upTo(250).map(step))
})

test('goes on from what is kept, past which it writes anew', async () => {
  const first = new StepLog(units, [])
  for (const number of upTo(130)) first.add(step(number))
  await units.put('adapter', {})
  await first.save()
  const second = new StepLog(units, (await readSteps(units)).slice(0, 120))
  second.add(step(121))
  await second.save()
  expect(numbers(await readSteps(units))).toEqual(upTo(121))
})

test('what could not be stored is stored with the next', async () => {
  let isFull = true
  const put = async (unit: string | number, steps: unknown) => {
    if (isFull) throw new Error('full')
    await units.put(unit, steps)
  }
  const log = new StepLog({ put }, [])
  log.add(step(1))
  await expect(log.save()).rejects.toThrow('full')
  isFull = false
  await log.save()
  expect(numbers(await readSteps(units))).toEqual([1])
})

test('of a damaged unit the steps are missing, or it is an error', async () => {
  const log = new StepLog(units, [])
  for (const number of upTo(250)) log.add(step(number))
  await log.save()
  await new Raw(files, 'results').damage(['a', 'unit', 1], 20)
  await expect(readSteps(units, true)).rejects.toThrow(IncompleteStageError)
  expect(numbers(await readSteps(units))).toEqual([...upTo(100), ...upTo(250, 201)])
})
