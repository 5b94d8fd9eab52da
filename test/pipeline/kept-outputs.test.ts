import { afterEach, beforeEach, expect, test } from 'vitest'
import { withRun } from '../../src/pipeline/open-run.ts'
import { notesOf } from '../../src/pipeline/run-notes.ts'
import { runStage, type StageContext } from '../../src/pipeline/stage.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { removeStore, type TestStore, testStore } from '../support/store.ts'

let files: TestStore
let store: Store
beforeEach(() => {
  files = testStore()
  store = openStore(files.options)
})
afterEach(() => removeStore(files))

/** Makes captions of pictures, with a part of them made by another writer, and breaks off where that is wanted. */
async function caption(pictures: string, { id = 'a', round = 1, breaks = false } = {}): Promise<void> {
  const described = { name: 'test', recipe: {}, recipeHash: '' }
  const { signal } = new AbortController()
  await withRun({ store, id, described, signal }, async (run) => {
    const still = { emit: () => {}, peakGpuBytes: async () => undefined, workTime: () => 0 }
    const context: StageContext = { store, run, signal, ...still }
    const spec = { stage: 'caption', kind: 'candidates', version: 1, round, settings: {} } as const
    const inputs = { pictures }
    await runStage<string, null>(context, { ...spec, inputs }, async (units, _, within) => {
      const part = { ...spec, inputs, part: 'captioner0' }
      await runStage<string, null>(within, part, async (own) => {
        await own.put(0, `other ${pictures}`)
        return null
      })
      await units.put(0, pictures)
      return null
    })
    if (breaks) throw new Error('broken off')
  })
}

/** What is stored of candidates, by its first unit. */
async function stored(): Promise<unknown[]> {
  const runs = await store.runs.list()
  const hashes = new Set(runs.flatMap(({ stages }) => stages.map(({ hash }) => hash)))
  const found = await Promise.all([...hashes].map((hash) => store.stage('candidates', hash).get(0)))
  return found.sort()
}
const bytes = async (): Promise<number> => (await store.byteLengths()).candidates

test('what is made anew of other pictures takes the place of what was made of the first', async () => {
  await caption('cats')
  const before = await bytes()
  await caption('cows')
  expect(await stored()).toEqual(['cows', 'other cows'])
  expect(await bytes()).toBe(before)
  expect(notesOf((await store.runs.get('a')) ?? {}).outputs).toHaveLength(2)
})

test('what a stage was made of stays with it where it is taken from before', async () => {
  await caption('cats')
  await caption('cats')
  expect(await stored()).toEqual(['cats', 'other cats'])
})

test('what another run has stays, and so does all of one that was broken off', async () => {
  await caption('cats')
  await caption('cats', { id: 'b' })
  await caption('cows')
  expect(await stored()).toEqual(['cats', 'cows', 'other cows'])
  await expect(caption('owls', { breaks: true })).rejects.toThrow('broken off')
  expect(await stored()).toContain('cows')
  expect(await stored()).toContain('owls')
})

test('of another round the record of a command keeps that alone', async () => {
  await caption('cats')
  await caption('cats and', { round: 2 })
  expect(await stored()).toEqual(['cats and', 'other cats and'])
})
