import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DamageLog, damageOf, mended, type RunDamage } from '../../src/pipeline/damage.ts'
import { notesOf } from '../../src/pipeline/run-notes.ts'
import { runStage, type StageOutput } from '../../src/pipeline/stage.ts'
import { IncompleteStageError } from '../../src/store/errors.ts'
import { type TestRun, testRun } from '../support/stage.ts'
import { bytesOf, Raw, type TestStore, testStore } from '../support/store.ts'

let files: TestStore
let run: TestRun
let log: DamageLog
let running: string | undefined
const told: RunDamage[] = []
beforeEach(async () => {
  files = testStore({ onCorrupt: (found) => log.add(found, running) })
  run = await testRun(files)
  log = new DamageLog(run.store.runs, (damage) => told.push(damage))
  running = undefined
  told.splice(0)
})
afterEach(() => run.close())

/** A stage that makes what is missing of two units, and the units it made. */
async function make(made: number[]): Promise<StageOutput<string, { units: number }>> {
  const spec = { stage: 'train', kind: 'results', version: 1, round: 1, settings: {}, inputs: {} } as const
  return await runStage<string, { units: number }>(run.context, spec, async (units) => {
    for (const unit of [0, 1]) {
      if (await units.get(unit)) continue
      made.push(unit)
      await units.put(unit, `unit ${unit}`)
    }
    return { units: 2 }
  })
}

test('a damaged value is told with the stage and the runs whose it is, and noted in their records', async () => {
  const { hash, units } = await make([])
  const other = await testRun(files, 'other')
  await new Raw(files, 'results').damage([hash, 'unit', 1], 20)
  expect(await units.get(1)).toBeUndefined()
  await log.settle()
  const damage = {
    stage: 'train',
    text: expect.stringMatching(`^results/${hash}/unit/1 was damaged and has been dropped: `),
  }
  expect(told).toEqual([{ runs: ['test'], ...damage }])
  const noted = async (id: string) => notesOf((await run.store.runs.get(id)) ?? {}).damage
  expect(await noted('test')).toEqual([damage])
  expect(await noted('other')).toBeUndefined()
  await other.close()
})

test('what no run is known to have is the running one’s, as pictures are', async () => {
  const hash = await run.store.images.put(bytesOf(9))
  await new Raw(files, 'images').damage([hash])
  running = 'test'
  await run.store.images.get(hash)
  await log.settle()
  expect(told).toMatchObject([{ runs: ['test'], stage: 'dataset' }])
})

test('what was damaged is made again, and nothing else', async () => {
  const { hash } = await make([])
  await new Raw(files, 'results').damage([hash, 'unit', 1], 20)
  const made: number[] = []
  const read = await mended(async () => {
    const { units } = await make(made)
    const all: string[] = []
    for await (const [, unit] of units.units()) all.push(unit)
    return all
  })
  expect(read).toEqual(['unit 0', 'unit 1'])
  expect(made).toEqual([1])
})

test('a value of no known output belongs to the stage of its kind, and a run’s record to none', () => {
  const found = (kind: 'images' | 'runs') => damageOf({ kind, key: ['a'], reason: 'b' })
  expect(found('images').stage).toBe('dataset')
  expect(found('runs')).toEqual({ text: 'runs/a was damaged and has been dropped: b' })
})

describe('work', () => {
  test('is done again at a loss, but not without end', async () => {
    let times = 0
    const lose = async (): Promise<never> => {
      times++
      throw new IncompleteStageError('lost')
    }
    await expect(mended(lose)).rejects.toThrow('lost')
    expect(times).toBe(11)
  })

  test('that fails otherwise fails at once', async () => {
    let times = 0
    const fail = async (): Promise<never> => {
      times++
      throw new Error('wrong')
    }
    await expect(mended(fail)).rejects.toThrow('wrong')
    expect(times).toBe(1)
  })
})
