import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClipClient } from '../../src/pipeline/client.ts'
import { ClipEmbedder } from '../../src/pipeline/clip-embedder.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { runStage } from '../../src/pipeline/stage.ts'
import type { CaptionSummary } from '../../src/pipeline/stages/caption.ts'
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
    countTokens: async (texts) => texts.map(() => 5),
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

test('embeddings last as long as the scores they were made for, whatever other run is deleted', async () => {
  const dataset = await testPictures(run, [{}, {}, {}])
  const spec = {
    stage: 'caption',
    kind: 'candidates',
    version: 1,
    round: 1,
    settings: {},
    inputs: {},
  } as const
  const captions = await runStage<ReturnType<typeof candidate>[], CaptionSummary>(
    run.context,
    spec,
    async (units) => {
      for await (const [chunk, items] of dataset.units.units()) {
        const own = items.map(({ name, hash }) =>
          candidate({ image: name, imageHash: hash, text: `Say ${name}` }),
        )
        await units.put(chunk, own)
      }
      return { candidates: 3, merged: 0, tokens: 0 }
    },
  )
  const { score } = parseRecipe({
    name: 'test',
    dataset: { source: 'a' },
    policy: { source: 'b' },
    clip: { source: 'c' },
    caption: { prompts: ['What?'] },
    score: { calibrate: true },
    train: {},
    evaluate: { dataset: { source: 'd' } },
  })
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
