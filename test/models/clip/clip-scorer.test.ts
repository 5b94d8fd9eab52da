import { beforeAll, describe, expect, test } from 'vitest'
import { ClipScorer } from '../../../src/models/clip/clip-scorer.ts'
import { rankCandidates, similarityMatrix, topOf } from '../../reference/similarity.ts'
import { expectClose } from '../../support/close.ts'
import { testGpu } from '../../support/gpu.ts'
import { at, relativeError } from '../../support/numeric.ts'
import { Random } from '../../support/random.ts'
import { TOLERANCES } from '../../tolerances.ts'

let scorer: ClipScorer

beforeAll(async () => {
  scorer = await ClipScorer.create(await testGpu())
})

/** Random embeddings, and offsets that leave some images without texts. */
function makeJob(images: number, texts: number, dim: number) {
  const random = new Random(images + texts * 100 + dim)
  const cuts = [...random.indices(images - 1, texts + 1)].sort((a, b) => a - b)
  return {
    images: random.normals(images * dim),
    texts: random.normals(texts * dim, 5),
    dim,
    offsets: Uint32Array.from([0, ...cuts, texts]),
  }
}

/** Parts end after 4096 rows or 4 million pairs: the later sizes need several. */
const SIZES = [
  [1, 1, 12],
  [7, 33, 65],
  [300, 9001, 8],
  [5000, 900, 8],
] as const

describe.each(SIZES)('%d images, %d texts, %d numbers', (images, texts, dim) => {
  const job = makeJob(images, texts, dim)
  const all = similarityMatrix(job.images, job.texts, dim)

  test('score', async () => {
    const { scores, ranks, extremes } = await scorer.score(job)
    const expected = new Float64Array(texts)
    for (let i = 0; i < images; i++) {
      for (let n = at(job.offsets, i); n < at(job.offsets, i + 1); n++) expected[n] = at(all, i * texts + n)
    }
    expectClose(scores, expected, 'similarity', 'score')
    const ranked = rankCandidates(scores, job.offsets)
    expect([...ranks]).toEqual(ranked.ranks)
    expect([...extremes]).toEqual(ranked.extremes.map(Math.fround))
  })

  test('means', async () => {
    const expected = new Float64Array(texts)
    for (let p = 0; p < all.length; p++) expected[p % texts] = at(expected, p % texts) + at(all, p) / images
    const means = await scorer.means(job)
    expectClose(means, expected, 'similarity', 'means')
    const own = await scorer.means({ ...job, images: job.images.subarray(0, dim) })
    expect(relativeError(own, expected) > TOLERANCES.similarity).toBe(images > 1)
  })

  test('compare', async () => {
    expectClose(await scorer.compare(job), all, 'similarity', 'compare')
  })

  test('classify', async () => {
    const k = Math.min(3, texts)
    const { indices, scores } = await scorer.classify(job, k)
    const own = await scorer.compare(job)
    for (let i = 0; i < images; i += Math.ceil(images / 12)) {
      const row = own.subarray(i * texts, (i + 1) * texts)
      const best = topOf(row, k)
      expect([...indices.subarray(i * k, (i + 1) * k)]).toEqual(best)
      expect([...scores.subarray(i * k, (i + 1) * k)]).toEqual(best.map((n) => at(row, n)))
    }
  })
})

test('a text’s scores do not depend, to the last bit, on what is scored with it', async () => {
  const job = makeJob(300, 9001, 8)
  const { scores } = await scorer.score(job)
  for (const image of [0, 57, 299]) {
    const [from, to] = [at(job.offsets, image), at(job.offsets, image + 1)]
    const alone = await scorer.score({
      images: job.images.subarray(image * 8, (image + 1) * 8),
      texts: job.texts.subarray(from * 8, to * 8),
      dim: 8,
      offsets: Uint32Array.of(0, to - from),
    })
    expect(alone.scores).toEqual(scores.slice(from, to))
  }
})

test('nothing to score gives nothing', async () => {
  const none = new Float32Array()
  const images = new Float32Array(24).fill(1)
  expect(await scorer.score({ images: none, texts: none, dim: 8, offsets: Uint32Array.of(0) })).toEqual({
    scores: none,
    ranks: new Uint32Array(),
    extremes: none,
  })
  const empty = { images, texts: none, dim: 8, offsets: new Uint32Array(4) }
  expect((await scorer.score(empty)).extremes).toEqual(new Float32Array(9))
  expect(await scorer.means({ images, texts: none, dim: 8 })).toEqual(none)
  expect(await scorer.compare({ images, texts: none, dim: 8 })).toEqual(none)
  expect(await scorer.classify({ images: none, texts: images, dim: 8 }, 2)).toEqual({
    indices: new Uint32Array(),
    scores: none,
  })
})

test('what does not fit is refused', async () => {
  const { offsets, ...pairs } = makeJob(3, 7, 8)
  await expect(scorer.score({ ...pairs, offsets: offsets.subarray(1) })).rejects.toMatchObject({
    name: 'ClipError',
    message: expect.stringContaining('expected 4 offsets'),
  })
  await expect(scorer.compare({ ...pairs, dim: 5 })).rejects.toThrow('expected images in rows of 5 numbers')
  await expect(scorer.classify(pairs, 8)).rejects.toThrow('expected k from 1 to 7 for 7 classes, got 8')
  await expect(scorer.means({ ...pairs, images: new Float32Array() })).rejects.toThrow(
    'expected at least one image',
  )
})

test('gives back all it took, also when it is aborted between two parts', async () => {
  const { arena } = await testGpu()
  const before = arena.stats.bytesInUse
  const controller = new AbortController()
  const told: number[] = []
  const scoring = scorer.score(makeJob(300, 9001, 8), {
    signal: controller.signal,
    onProgress: ({ done }) => {
      told.push(done)
      controller.abort()
    },
  })
  await expect(scoring).rejects.toMatchObject({ name: 'AbortError' })
  expect(told).toHaveLength(1)
  expect(at(told, 0)).toBeLessThanOrEqual(4096)
  expect(arena.stats.bytesInUse).toBe(before)
})
