import { describe, expect, test } from 'vitest'
import { createSimilarity, similarityStripShape } from '../../src/kernels/similarity.ts'
import { rankCandidates, similarityMatrix, topOf } from '../reference/similarity.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

/** Texts repeat every `period`, so that scores tie; image 0 and text 1 are zero where there is more than one. */
function makeHost(images: number, texts: number, dim: number, period = texts) {
  const random = new Random(images * 1000 + texts + dim)
  const host = { images: random.normals(images * dim, 3), texts: random.normals(texts * dim, 0.1) }
  if (images > 1) host.images.fill(0, 0, dim)
  if (texts > 1) host.texts.fill(0, dim, 2 * dim)
  for (let i = period * dim; i < texts * dim; i++) host.texts[i] = at(host.texts, i - period * dim)
  const cuts = [...random.indices(Math.max(images - 1, 0), texts + 1)].sort((a, b) => a - b)
  return { ...host, offsets: Uint32Array.from([0, ...cuts, texts]) }
}

async function run(
  host: ReturnType<typeof makeHost>,
  [images, texts, dim, k]: readonly [number, number, number, number],
  subgroups: boolean,
) {
  const gpu = await testGpu()
  const similarity = await createSimilarity(gpu, { subgroups })
  const pairs = {
    images: gpu.upload(host.images, [images, dim], 'images'),
    texts: gpu.upload(host.texts, [texts, dim], 'texts'),
    imageNorm: poisoned(gpu, [images], 'imageNorm'),
    textNorm: poisoned(gpu, [texts], 'textNorm'),
  }
  const offsets = gpu.upload(host.offsets, [images + 1], 'offsets')
  const score = poisoned(gpu, [texts], 'score')
  const ranks = gpu.tensor([texts], 'ranks', 'u32')
  const extremes = poisoned(gpu, [images, 3], 'extremes')
  const scores = poisoned(gpu, [images, texts], 'scores')
  const strip = poisoned(gpu, similarityStripShape(images, texts), 'strip')
  const index = gpu.tensor([images, k], 'index', 'u32')
  const best = poisoned(gpu, [images, k], 'best')
  const mean = poisoned(gpu, [texts], 'mean')
  similarity.norms({ rows: pairs.images, norm: pairs.imageNorm })
  similarity.norms({ rows: pairs.texts, norm: pairs.textNorm })
  similarity.candidates({ ...pairs, offsets, score })
  similarity.rank({ score, offsets, ranks, extremes })
  similarity.matrix({ ...pairs, scores })
  similarity.top({ ...pairs, strip, index, score: best })
  similarity.means({ ...pairs, strip, mean })
  const result = {
    score: await gpu.readF32(score),
    ranks: await gpu.readU32(ranks),
    extremes: await gpu.readF32(extremes),
    scores: await gpu.readF32(scores),
    index: await gpu.readU32(index),
    best: await gpu.readF32(best),
    mean: await gpu.readF32(mean),
  }
  gpu.release(...Object.values(pairs), offsets, score, ranks, extremes, scores, strip, index, best, mean)
  return result
}

describe.each([true, false])('similarity with subgroups: %s', (subgroups) => {
  test.each([
    { size: [1, 1, 1, 1], period: 1 },
    { size: [7, 33, 65, 5], period: 33 },
    { size: [33, 65, 64, 32], period: 20 },
    { size: [5, 7, 512, 7], period: 7 },
    { size: [3, 2100, 12, 32], period: 700 },
  ] as const)('(I, N, D, k) = $size agrees with float64', async ({ size, period }) => {
    const [images, texts, dim, k] = size
    const host = makeHost(images, texts, dim, period)
    const result = await run(host, size, subgroups)
    const all = similarityMatrix(host.images, host.texts, dim)
    expectClose(result.scores, all, 'similarity', 'matrix')
    const own = Float64Array.from({ length: texts }, (_, n) => {
      const owner = host.offsets.findLastIndex((start) => start <= n)
      return at(all, Math.min(owner, images - 1) * texts + n)
    })
    expectClose(result.score, own, 'similarity', 'candidates')
    // Order is judged on the GPU's own scores: rounding may swap texts that score alike to seven digits.
    const ranked = rankCandidates(result.score, host.offsets)
    expect([...result.ranks]).toEqual(ranked.ranks)
    expect([...result.extremes]).toEqual(ranked.extremes.map(Math.fround))
    for (let i = 0; i < images; i++) {
      const row = result.scores.subarray(i * texts, (i + 1) * texts)
      const first = topOf(row, k)
      expect([...result.index.subarray(i * k, (i + 1) * k)]).toEqual(first)
      expect([...result.best.subarray(i * k, (i + 1) * k)]).toEqual(first.map((n) => at(row, n) + 0))
    }
    const means = Float64Array.from({ length: texts }, (_, n) => {
      let sum = 0
      for (let i = 0; i < images; i++) sum += at(all, i * texts + n)
      return sum / images
    })
    expectClose(result.mean, means, 'similarity', 'means')
  })

  test('repeats bit for bit', async () => {
    const host = makeHost(7, 65, 33)
    expect(await run(host, [7, 65, 33, 4], subgroups)).toEqual(await run(host, [7, 65, 33, 4], subgroups))
  })
})

test('images without candidates have extremes of zero, at either end and in between', async () => {
  const host = { ...makeHost(5, 7, 12), offsets: Uint32Array.of(0, 0, 3, 3, 7, 7) }
  const { ranks, extremes, score } = await run(host, [5, 7, 12, 2], true)
  const expected = rankCandidates(score, host.offsets)
  expect([...ranks]).toEqual(expected.ranks)
  expect([...extremes]).toEqual(expected.extremes.map(Math.fround))
  expect([0, 1, 2, 6, 7, 8, 12, 13, 14].map((i) => extremes[i])).toEqual(new Array(9).fill(0))
})

test('very long and very short vectors score as others do', async () => {
  const host = makeHost(1, 1, 64)
  const scaled = {
    ...host,
    images: host.images.map((v) => v * 1e18),
    texts: host.texts.map((v) => v * 1e-18),
  }
  const result = await run(scaled, [1, 1, 64, 1], true)
  expectClose(result.scores, similarityMatrix(host.images, host.texts, 64), 'similarity')
})

test('negative control: one component changed by 1% of a vector is seen', async () => {
  const host = makeHost(7, 33, 65)
  const changed = host.texts.map((v, i) => (i === 0 ? v + 0.01 : v))
  const result = await run({ ...host, texts: changed }, [7, 33, 65, 1], true)
  const expected = similarityMatrix(host.images, host.texts, 65)
  expect(relativeError(result.scores, expected)).toBeGreaterThan(TOLERANCES.similarity)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const similarity = await createSimilarity(gpu)
  const pairs = {
    images: zeros(gpu, [2, 8], 'images'),
    texts: zeros(gpu, [3, 9], 'texts'),
    imageNorm: zeros(gpu, [2], 'imageNorm'),
    textNorm: zeros(gpu, [3], 'textNorm'),
  }
  const scores = zeros(gpu, [2, 3], 'scores')
  const index = gpu.upload(new Uint32Array(8), [2, 4], 'index')
  const best = zeros(gpu, [2, 4], 'best')
  expect(() => similarity.matrix({ ...pairs, scores })).toThrow(
    'similarity.matrix: expected texts (3, 8), got (3, 9)',
  )
  expect(() => similarity.top({ ...pairs, strip: scores, index, score: best })).toThrow(
    'similarity.top: expected at most 3 texts an image, got 4',
  )
  gpu.release(...Object.values(pairs), scores, index, best)
})
