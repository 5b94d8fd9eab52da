import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClipClient } from '../../src/pipeline/client.ts'
import { ClipEmbedder } from '../../src/pipeline/clip-embedder.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { runStage } from '../../src/pipeline/stage.ts'
import type { CaptionOutput, CaptionSummary } from '../../src/pipeline/stages/caption.ts'
import type { DatasetOutput } from '../../src/pipeline/stages/dataset.ts'
import { scoreStage } from '../../src/pipeline/stages/score.ts'
import type { ClipInfo } from '../../src/workers/clip.api.ts'
import { candidate } from '../support/candidates.ts'
import { type TestRun, testPictures, testRun } from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

/** A CLIP whose embeddings are all alike, and which counts what it is asked to embed. */
function countingClip() {
  const embedded = { texts: 0, images: 0 }
  const rows = (count: number) => new Float32Array(count * 2).fill(0.5)
  const client: Partial<ClipClient> = {
    countTokens: async (texts) => texts.map((text) => (text === 'long' ? 99 : 5)),
    embedTexts: async (texts) => {
      embedded.texts += texts.length
      return rows(texts.length)
    },
    embedImages: async (images) => {
      embedded.images += images.length
      return rows(images.length)
    },
    score: async ({ offsets }) => {
      const scores = new Float32Array(offsets.at(-1) ?? 0).fill(20)
      return { scores, ranks: new Uint32Array(scores.length), extremes: new Float32Array() } as never
    },
  }
  const info = { contextLength: 77, projectionDim: 2, hash: 'clip' } as ClipInfo
  const { signal } = run.context
  return { embedded, open: async () => new ClipEmbedder(client as ClipClient, info, run.store, signal) }
}

/** Candidates of every picture by its name. */
async function captionsOf(
  dataset: DatasetOutput,
  texts: (name: string) => readonly string[],
): Promise<CaptionOutput> {
  const spec = {
    stage: 'caption',
    kind: 'candidates',
    version: 1,
    round: 1,
    settings: {},
    inputs: {},
  } as const
  return await runStage(run.context, spec, async (units): Promise<CaptionSummary> => {
    let candidates = 0
    for await (const [chunk, items] of dataset.units.units()) {
      const own = items.flatMap(({ name, hash }) =>
        texts(name).map((text) => candidate({ image: name, imageHash: hash, text })),
      )
      await units.put(chunk, own)
      candidates += own.length
    }
    return { candidates, merged: 0, tokens: 0 }
  })
}

function scoreSettings(score: object) {
  return parseRecipe({
    name: 'test',
    dataset: { source: 'a' },
    policy: { source: 'b' },
    clip: { source: 'c' },
    caption: { prompts: ['What?'] },
    score,
    train: {},
    evaluate: { dataset: { source: 'd' } },
  }).score
}

test('what says nothing is counted apart from what is too long', async () => {
  const dataset = await testPictures(run, [{}, {}])
  const captions = await captionsOf(dataset, () => ['A dog.', '', 'long', '...'])
  const { open } = countingClip()
  const { summary } = await scoreStage(run.context, open, 'clip', scoreSettings({}), {
    dataset,
    captions,
    round: 1,
  })
  expect(summary).toEqual({ scored: 2, pastContext: 2, empty: 4 })
})

test('embeddings last as long as the scores they were made for, whatever other run is deleted', async () => {
  const dataset = await testPictures(run, [{}, {}, {}])
  const captions = await captionsOf(dataset, (name) => [`Say ${name}`])
  const score = scoreSettings({ calibrate: true })
  const { embedded, open } = countingClip()
  await scoreStage(run.context, open, 'clip', score, { dataset, captions, round: 1 })
  const first = { ...embedded }
  expect(first.images).toBe(3)
  expect(first.texts).toBeGreaterThanOrEqual(3)

  await run.context.run.close()
  const { runs } = run.store
  const other = {
    name: 'other',
    recipe: {},
    recipeHash: '',
    createdAt: 0,
    status: 'new',
    stages: [],
  } as const
  await (await runs.open('other', () => other)).close()
  await runs.delete('other')

  const again = await runs.open('test')
  await scoreStage({ ...run.context, run: again }, open, 'another clip, of the same embeddings', score, {
    dataset,
    captions,
    round: 1,
  })
  await again.close()
  expect(embedded).toEqual(first)
})
