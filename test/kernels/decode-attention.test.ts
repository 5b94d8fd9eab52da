import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDecodeAttention } from '../../src/kernels/decode-attention.ts'
import { decodeAttentionForward } from '../reference/decode-attention.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

type Heads = readonly [numHeads: number, numKvHeads: number, headDim: number]
interface HostData {
  readonly q: Float32Array<ArrayBuffer>
  readonly k: Float32Array<ArrayBuffer>
  readonly v: Float32Array<ArrayBuffer>
}

function hostData(queryRows: number, keyRows: number, [numHeads, numKvHeads, headDim]: Heads, seed = 1) {
  const random = new Random(seed)
  return {
    q: random.normals(queryRows * numHeads * headDim),
    k: random.normals(keyRows * numKvHeads * headDim),
    v: random.normals(keyRows * numKvHeads * headDim),
  }
}

async function run(ranges: readonly number[], heads: Heads, host: HostData, subgroups: boolean) {
  const gpu = await testGpu()
  const [numHeads, numKvHeads, headDim] = heads
  const queryRows = ranges.length / 4
  const attention = await createDecodeAttention(gpu, {
    headDim,
    groupSize: numHeads / numKvHeads,
    subgroups,
  })
  const keyShape = [host.k.length / (numKvHeads * headDim), numKvHeads * headDim]
  const tensors = {
    q: gpu.upload(host.q, [queryRows, numHeads * headDim], 'q'),
    k: gpu.upload(host.k, keyShape, 'k'),
    v: gpu.upload(host.v, keyShape, 'v'),
    ranges: gpu.upload(Uint32Array.from(ranges), [queryRows, 4], 'ranges'),
    out: poisoned(gpu, [queryRows, numHeads * headDim], 'out'),
  }
  attention.forward(tensors)
  const out = await gpu.readF32(tensors.out)
  gpu.release(...Object.values(tensors))
  return out
}

function reference(ranges: readonly number[], [numHeads, numKvHeads, headDim]: Heads, { q, k, v }: HostData) {
  const sizes = { numHeads, numKvHeads, headDim, scale: headDim ** -0.5, ranges }
  return Float32Array.from(decodeAttentionForward(sizes, q, k, v))
}

/** A shared prefix, own rows of any length, none, one alone, and a row that sees nothing. */
const RANGES = [0, 40, 42, 54, 0, 40, 55, 56, 0, 0, 0, 0, 0, 40, 78, 90, 7, 8, 3, 3, 60, 60, 2, 37]
const KEY_ROWS = 90

describe.each([true, false])('attention of rows that stand alone, subgroups: %s', (subgroups) => {
  test.each<Heads>([
    [4, 2, 32],
    [6, 2, 16],
    [3, 1, 64],
    [5, 5, 4],
    [2, 1, 128],
    [8, 1, 20],
  ])('%i heads over %i key heads of %i columns agree with float64', async (...heads) => {
    const host = hostData(RANGES.length / 4, KEY_ROWS, heads)
    expectClose(await run(RANGES, heads, host, subgroups), reference(RANGES, heads, host), 'attention', 'out')
  })

  test('any intervals agree with float64', async () => {
    const interval = fc.tuple(fc.nat(300), fc.nat(150))
    const rows = fc.array(fc.tuple(interval, interval), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(1000), async (spans, seed) => {
        const heads: Heads = [4, 2, 8]
        const ranges = spans.flat().flatMap(([start, length]) => [start, start + length])
        const host = hostData(spans.length, 450, heads, seed)
        fc.pre(spans.some(([a, b]) => a[1] + b[1] > 0))
        const out = await run(ranges, heads, host, subgroups)
        expectClose(out, reference(ranges, heads, host), 'attention', 'out')
      }),
      { numRuns: 8, seed: 1 },
    )
  })

  test('a row comes out the same alone and among others, wherever its keys lie, bit for bit', async () => {
    const heads: Heads = [4, 2, 32]
    const host = hostData(RANGES.length / 4, KEY_ROWS, heads)
    const together = await run(RANGES, heads, host, subgroups)
    const cols = 4 * 32
    for (let row = 0; row < RANGES.length / 4; row++) {
      const q = host.q.slice(row * cols, (row + 1) * cols)
      const alone = await run(RANGES.slice(4 * row, 4 * row + 4), heads, { ...host, q }, subgroups)
      expect(alone, `row ${row}`).toEqual(together.slice(row * cols, (row + 1) * cols))
    }
    const shifted = (x: Float32Array<ArrayBuffer>) => Float32Array.from([...x.slice(0, 3 * 64), ...x])
    const moved = RANGES.map((bound) => bound + 3)
    const elsewhere = await run(
      moved,
      heads,
      { q: host.q, k: shifted(host.k), v: shifted(host.v) },
      subgroups,
    )
    expect(elsewhere).toEqual(together)
  })

  test('rows nobody sees may hold anything, a row that sees nothing gets zeros', async () => {
    const heads: Heads = [6, 2, 16]
    const host = hostData(RANGES.length / 4, KEY_ROWS, heads)
    const result = await run(RANGES, heads, host, subgroups)
    const unseen = [40, 41, 54, 57, 70, 77]
    const spoil = (x: Float32Array<ArrayBuffer>) =>
      x.map((value, i) => (unseen.includes(Math.floor(i / 32)) ? Number.NaN : value))
    const spoilt = await run(RANGES, heads, { q: host.q, k: spoil(host.k), v: spoil(host.v) }, subgroups)
    expect(spoilt).toEqual(result)
    expect(result.slice(2 * 96, 3 * 96)).toEqual(new Float32Array(96))
  })

  test('large scores stay finite', async () => {
    const heads: Heads = [2, 1, 8]
    const host = hostData(2, 30, heads)
    const large = { ...host, q: host.q.map((x) => 1000 * x) }
    const ranges = [0, 11, 12, 29, 3, 4, 0, 0]
    expectClose(
      await run(ranges, heads, large, subgroups),
      reference(ranges, heads, large),
      'attention',
      'out',
    )
  })
})

test('negative control: one key too many is seen', async () => {
  const heads: Heads = [4, 2, 32]
  const host = hostData(RANGES.length / 4, KEY_ROWS, heads)
  const leaky = RANGES.with(3, 55)
  const error = relativeError(await run(leaky, heads, host, true), reference(RANGES, heads, host))
  expect(error).toBeGreaterThan(100 * TOLERANCES.attention)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const attention = await createDecodeAttention(gpu, { headDim: 16, groupSize: 3 })
  const q = poisoned(gpu, [4, 96], 'q')
  const k = poisoned(gpu, [9, 32], 'k')
  const out = poisoned(gpu, [4, 96], 'out')
  const ranges = gpu.upload(new Uint32Array(16), [4, 4], 'ranges')
  const args = { q, k, v: k, ranges, out }
  const label = 'decodeAttention.forward'
  expect(() => attention.forward({ ...args, q: q.prefix([4, 80]) })).toThrow(
    `${label}: expected q with a multiple of 48 columns, got 80`,
  )
  expect(() => attention.forward({ ...args, k: q })).toThrow(`${label}: expected k (4, 32), got (4, 96)`)
  expect(() => attention.forward({ ...args, v: q })).toThrow(`${label}: expected v (9, 32), got (4, 96)`)
  expect(() => attention.forward({ ...args, ranges: q.prefix([4, 4]) })).toThrow(
    `${label}: expected ranges of u32, got f32`,
  )
  await expect(createDecodeAttention(gpu, { headDim: 18, groupSize: 1 })).rejects.toThrow(
    `${label}: expected headDim to be a multiple of 4 from 4 to 128, got 18`,
  )
  await expect(createDecodeAttention(gpu, { headDim: 16, groupSize: 1.5 })).rejects.toThrow(
    `${label}: expected groupSize to be a whole number from 1 on, got 1.5`,
  )
  gpu.release(q, k, out, ranges)
})
