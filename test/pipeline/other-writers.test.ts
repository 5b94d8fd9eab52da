import { afterEach, beforeEach, expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import type { FolderSpec } from '../../src/data/folder.ts'
import type { RunEvent } from '../../src/pipeline/events.ts'
import { modelHash } from '../../src/pipeline/fingerprints.ts'
import { pinnedRecipe } from '../../src/pipeline/pinned-recipe.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { otherWriters, type RunOutput, runRecipe } from '../../src/pipeline/run.ts'
import { notesOf } from '../../src/pipeline/run-notes.ts'
import { readRunOutput } from '../../src/pipeline/stored-run.ts'
import { openStore } from '../../src/store/store.ts'
import { goldenLlama } from '../support/goldens.ts'
import { removeStore, type TestStore, testStore } from '../support/store.ts'

const SITE = `${location.origin}/`
const RECIPE = {
  ...tiny,
  dataset: { ...tiny.dataset, limit: 4 },
  captioners: [{ source: 'embedded:emoji-llava', weights: 'f16' }],
  caption: {
    ...tiny.caption,
    samples: 1,
    questions: { writer: { source: 'llama', prompt: 'describe {captions}', max_new_tokens: 4 } },
  },
  train: { ...tiny.train, max_steps: 1 },
  evaluate: {
    ...tiny.evaluate,
    dataset: { ...tiny.evaluate.dataset, limit: 2 },
    max_new_tokens: 24,
    clean_captions: 0,
  },
}

let files: TestStore
let llama: FolderSpec
beforeEach(async () => {
  files = testStore()
  llama = await goldenLlama()
})
afterEach(() => removeStore(files))

test('a run keeps by which files they wrote, and its recipe, given again, comes to the same', {
  timeout: 300_000,
}, async () => {
  const store = openStore(files.options)
  const sources = { site: SITE, models: { llama } }
  const events: RunEvent[] = []
  const run = (json: unknown): Promise<RunOutput> =>
    runRecipe(parseRecipe(json), { store, sources, emit: (event) => events.push(event) })
  const { models } = await run(RECIPE)
  const policy = await modelHash({ url: `${SITE}models/emoji-llava` }, SITE)
  expect(models).toMatchObject({ policy, captioners: [policy], writer: await modelHash(llama, SITE) })

  const [record] = await store.runs.list()
  if (!record) throw new Error('expected the run to be in the store')
  const stored = await readRunOutput(store, record)
  expect(stored.models).toEqual(models)
  const { policy: own, clip } = models
  const notes = { ...notesOf(record), models: { policy: own, clip } } // as runs without the others’ hashes lie there
  expect((await readRunOutput(store, { ...record, notes })).models).toEqual({ policy: own, clip })

  events.length = 0
  const again = await run(pinnedRecipe(stored))
  expect(again.models).toEqual(models)
  const states = events.flatMap((event) => (event.kind === 'stage' ? [event.state] : []))
  expect(new Set(states)).toEqual(new Set(['stored']))
})

test('of other files than a recipe wants are refused', async () => {
  const { signal } = new AbortController()
  const other = 'f'.repeat(64)
  const open = (json: object) =>
    otherWriters(parseRecipe({ ...RECIPE, ...json }), { site: SITE, models: { llama } }, signal)
  const [captioner] = RECIPE.captioners
  await expect(open({ captioners: [{ ...captioner, sha256: other }] })).rejects.toThrow(
    `model embedded:emoji-llava: expected SHA-256 ${other}, got `,
  )
  const writer = { ...RECIPE.caption.questions.writer, sha256: other }
  await expect(open({ caption: { ...RECIPE.caption, questions: { writer } } })).rejects.toThrow(
    `model llama: expected SHA-256 ${other}, got `,
  )
})
