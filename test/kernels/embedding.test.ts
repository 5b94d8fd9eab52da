import { describe, expect, test } from 'vitest'
import { createEmbedding, uploadIds } from '../../src/kernels/embedding.ts'
import { createRows, sortByDestination } from '../../src/kernels/rows.ts'
import { releaseWeight, type ScaleFormat, type WeightFormat } from '../../src/kernels/weight.ts'
import { embeddingBackward, embeddingForward } from '../reference/embedding.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { randomWeight } from '../support/weights.ts'

async function run(
  rows: number,
  [vocabulary, cols]: readonly [number, number],
  format: WeightFormat,
  scaleFormat: ScaleFormat,
) {
  const gpu = await testGpu()
  const embedding = await createEmbedding(gpu, { format, scaleFormat })
  const random = new Random(rows * 1000 + cols)
  const { weight, values } = randomWeight(gpu, random, format, [vocabulary, cols], scaleFormat)
  const host = { ids: random.indices(rows, vocabulary), values }
  const ids = uploadIds(gpu, host.ids, vocabulary)
  const y = poisoned(gpu, [rows, cols], 'y')
  embedding.forward({ ids, weight, y })
  const result = await gpu.readF32(y)
  gpu.release(ids, y)
  releaseWeight(gpu, weight)
  return { host, result }
}

describe.each([
  ['f32', 'f16'],
  ['f16', 'f16'],
  ['int8', 'f16'],
  ['int8', 'f32'],
  ['int4', 'f16'],
  ['int4', 'f32'],
] as const)('embedding from %s with scales in %s', (format, scaleFormat) => {
  test.each([
    [1, [1, 1]],
    [7, [33, 33]],
    [33, [65, 130]],
    [65, [300, 576]],
    [9, [100_003, 12]],
  ] as const)('%i rows of a table of %s are exact', async (rows, shape) => {
    const { host, result } = await run(rows, shape, format, scaleFormat)
    // One product of an integer and a scale, rounded once: exact.
    const expected = Float32Array.from(embeddingForward(host.values, host.ids, shape[1]))
    expect(relativeError(result, expected)).toBe(0)
  })
})

test('repeats bit for bit', async () => {
  const first = await run(33, [65, 130], 'int4', 'f16')
  expect((await run(33, [65, 130], 'int4', 'f16')).result).toEqual(first.result)
})

test('negative control: ids shifted by one are seen', async () => {
  const { host, result } = await run(33, [65, 130], 'int8', 'f16')
  const shifted = host.ids.map((id) => (id + 1) % 65)
  const expected = Float32Array.from(embeddingForward(host.values, shifted, 130))
  expect(relativeError(result, expected)).toBeGreaterThan(0.1)
})

test('an id past the table gives zeros, and the next row is untouched', async () => {
  const gpu = await testGpu()
  const embedding = await createEmbedding(gpu, { format: 'f32' })
  const { weight, values } = randomWeight(gpu, new Random(12), 'f32', [4, 5])
  const ids = gpu.upload(Uint32Array.of(4, 3, 0xffffffff), [3], 'ids')
  const y = poisoned(gpu, [3, 5], 'y')
  embedding.forward({ ids, weight, y })
  expect([...(await gpu.readF32(y))]).toEqual([0, 0, 0, 0, 0, ...values.slice(15, 20), 0, 0, 0, 0, 0])
  gpu.release(ids, y)
  releaseWeight(gpu, weight)
})

test("a learning table's gradient is a scatterAdd by id", async () => {
  const gpu = await testGpu()
  const rows = await createRows(gpu)
  const random = new Random(13)
  const [vocabulary, cols] = [9, 12]
  const ids = random.indices(33, vocabulary)
  const values = random.normals(33 * cols)
  const csr = sortByDestination(ids, vocabulary)
  const dout = gpu.upload(values, [33, cols], 'dout')
  const offsets = gpu.upload(csr.offsets, [vocabulary + 1], 'offsets')
  const order = gpu.upload(csr.order, [33], 'order')
  const dweight = zeros(gpu, [vocabulary, cols], 'dweight')
  rows.scatterAdd({ x: dout, offsets, order, y: dweight })
  expectClose(await gpu.readF32(dweight), embeddingBackward(values, ids, vocabulary, cols), 'reduce')
  gpu.release(dout, offsets, order, dweight)
})

test('ids outside the vocabulary, other formats and wrong shapes are refused', async () => {
  const gpu = await testGpu()
  const embedding = await createEmbedding(gpu, { format: 'int8' })
  expect(() => uploadIds(gpu, [1, 2, 10], 10)).toThrow(
    'ids: expected token ids in 0..9, got 10 at position 2',
  )
  expect(() => uploadIds(gpu, [-1], 10)).toThrow('got -1 at position 0')
  const ids = uploadIds(gpu, [1, 2], 10)
  const y = zeros(gpu, [2, 8], 'y')
  const random = new Random(14)
  const half = randomWeight(gpu, random, 'f16', [10, 8]).weight
  expect(() => embedding.forward({ ids, weight: half, y })).toThrow('compiled for weights in int8, got f16')
  const narrow = randomWeight(gpu, random, 'int8', [10, 7]).weight
  expect(() => embedding.forward({ ids, weight: narrow, y })).toThrow(
    'embedding.forward: expected weight (10, 8), got (10, 7)',
  )
  const scaled = randomWeight(gpu, random, 'int8', [10, 8], 'f32').weight
  expect(() => embedding.forward({ ids, weight: scaled, y })).toThrow('compiled for scales in f16, got f32')
  gpu.release(ids, y)
  for (const weight of [half, narrow, scaled]) releaseWeight(gpu, weight)
})
