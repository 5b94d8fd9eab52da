import { describe, expect, test } from 'vitest'
import {
  createSample,
  type SampleOptions,
  type SampleSettings,
  sampleScratchShape,
  seenShape,
} from '../../src/kernels/sample.ts'
import { drawToken, logSoftmax, uniformOfKey, warp } from '../reference/sample.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at } from '../support/numeric.ts'
import { Random } from '../support/random.ts'

/** A draw may differ from the reference only where u lies this close to an edge of the distribution function. */
const EDGE = 2e-6

type Logits = (random: Random, vocab: number) => Float32Array<ArrayBuffer>

const DISTRIBUTIONS = {
  normal: (random, vocab) => random.normals(vocab, 3),
  /** Half-integer logits: most scores tie with many others. */
  ties: (random, vocab) => random.normals(vocab, 2).map((l) => Math.round(2 * l) / 2),
  equal: (_, vocab) => new Float32Array(vocab).fill(-1.5),
  /** All tokens but one are masked out. */
  single: (random, vocab) => {
    const logits = new Float32Array(vocab).fill(Number.NEGATIVE_INFINITY)
    logits[random.below(vocab)] = 2
    return logits
  },
} satisfies Record<string, Logits>

interface Rows {
  logits: Float32Array<ArrayBuffer>
  keys: Uint32Array<ArrayBuffer>
  seen: Set<number>[]
}

function makeRows(rows: number, vocab: number, kind: keyof typeof DISTRIBUTIONS): Rows {
  const random = new Random(rows + vocab)
  const logits = new Float32Array(rows * vocab)
  for (let r = 0; r < rows; r++) logits.set(DISTRIBUTIONS[kind](random, vocab), r * vocab)
  const keys = Uint32Array.from({ length: 6 * rows }, (_, i) => (i % 6 === 5 ? i : random.below(1000)))
  const seen = Array.from({ length: rows }, () => new Set(random.indices(Math.ceil(vocab / 4), vocab)))
  return { logits, keys, seen }
}

async function draw(
  { logits, keys, seen }: Rows,
  vocab: number,
  settings: SampleSettings,
  options: SampleOptions & { greedy?: Uint32Array<ArrayBuffer> } = {},
): Promise<{ tokens: Uint32Array; logprobs: Float32Array }> {
  const gpu = await testGpu()
  const sample = await createSample(gpu, options)
  const rows = logits.length / vocab
  const given = gpu.upload(logits, [rows, vocab], 'logits')
  const keyed = gpu.upload(keys, [rows, 6], 'keys')
  const longest = Math.max(...seen.map((ids) => ids.size))
  const ids = new Uint32Array(rows * longest).fill(0xffffffff)
  for (const [r, of] of seen.entries()) ids.set([...of], r * longest)
  const tokens = gpu.upload(ids, [rows, longest], 'tokens')
  const marked = gpu.upload(
    new Uint32Array(rows * at(seenShape(rows, vocab), 1)),
    seenShape(rows, vocab),
    'seen',
  )
  const scores = poisoned(gpu, sampleScratchShape(rows, vocab), 'scores')
  const token = gpu.tensor([rows], 'token', 'u32')
  const logprob = poisoned(gpu, [rows], 'logprob')
  sample.markSeen({ tokens, seen: marked, vocab })
  const greedy = options.greedy && gpu.upload(options.greedy, [rows], 'greedy')
  sample.draw({ ...settings, logits: given, seen: marked, keys: keyed, greedy, scores, token, logprob })
  const result = { tokens: await gpu.readU32(token), logprobs: await gpu.readF32(logprob) }
  if (greedy) gpu.release(greedy)
  gpu.release(given, keyed, tokens, marked, scores, token, logprob)
  return result
}

function at2<T>(values: readonly T[], i: number): T {
  const value = values[i]
  if (value === undefined) throw new RangeError(`index ${i} outside 0..${values.length - 1}`)
  return value
}

/** Compares draws with the reference's; returns how many differ at an edge, and the farthest of these from it. */
async function prove(
  rows: Rows,
  vocab: number,
  settings: SampleSettings,
  options: SampleOptions = {},
): Promise<[number, number]> {
  const { tokens, logprobs } = await draw(rows, vocab, settings, options)
  let [edges, farthest] = [0, 0]
  const expectedLogprobs: number[] = []
  tokens.forEach((token, r) => {
    const logits = rows.logits.subarray(r * vocab, (r + 1) * vocab)
    const row = warp(logits, at2(rows.seen, r), settings)
    expectedLogprobs.push(at(logSoftmax(logits), token))
    if (settings.temperature === 0) {
      expect(token).toBe(row.greedy)
      return
    }
    expect(at(row.probabilities, token), `row ${r}: token ${token} is not in play`).toBeGreaterThan(0)
    const u = uniformOfKey(rows.keys.subarray(6 * r, 6 * r + 6))
    const reference = drawToken(row.probabilities, u)
    if (token !== reference.token) {
      edges++
      farthest = Math.max(farthest, reference.margin)
      expect(reference.margin, `row ${r}: drew ${token}, not ${reference.token}`).toBeLessThan(EDGE)
    }
  })
  expectClose(logprobs, expectedLogprobs.map(finite), 'sample', `${vocab}`)
  return [edges, farthest]
}

/** A token of weight zero has a log-probability of -1e30 or less on both sides. */
const finite = (x: number) => Math.max(x, -1e30)

const SETTINGS: SampleSettings[] = [
  {},
  { temperature: 0 },
  { topK: 1 },
  { topK: 5 },
  { topK: 1_000_000 },
  { topP: 0.5 },
  { topP: 0 },
  { minP: 0.1 },
  { topK: 50, topP: 0.9 },
  { temperature: 0, repetitionPenalty: 1.5 },
  { temperature: 0.7, topK: 20, topP: 0.8, minP: 0.02, repetitionPenalty: 1.3 },
  { temperature: 5, topP: 0.95, repetitionPenalty: 0.8 },
]

describe.each(['normal', 'ties', 'equal', 'single'] as const)('sampling from %s logits', (kind) => {
  test.each([
    [3, 1],
    [12, 7],
    [24, 65],
    [12, 520],
  ])('%i rows of %i tokens draw what the sorted reference draws', async (count, vocab) => {
    const rows = makeRows(count, vocab, kind)
    for (const settings of SETTINGS) await prove(rows, vocab, settings)
  })
})

test.each([
  [4, 32_001],
  [2, 100_003],
])('%i rows of %i tokens', async (count, vocab) => {
  let [edges, farthest] = [0, 0]
  for (const kind of ['normal', 'ties'] as const) {
    const rows = makeRows(count, vocab, kind)
    for (const settings of [{}, { topK: 50, topP: 0.9 }, { topP: 0.95, repetitionPenalty: 1.2 }]) {
      const [n, far] = await prove(rows, vocab, settings)
      edges += n
      farthest = Math.max(farthest, far)
    }
  }
  if (import.meta.env.VITE_PRINT_ERRORS)
    console.log(`vocab ${vocab}: ${edges} draws at an edge, at most ${farthest} away`)
})

test.each([4, 32, 128] as const)(
  '%i invocations a row draw what the sorted reference draws',
  async (lanes) => {
    for (const kind of ['normal', 'ties'] as const) {
      const rows = makeRows(6, 1030, kind)
      await prove(rows, 1030, { topK: 50, topP: 0.9, repetitionPenalty: 1.1 }, { lanes })
      await prove(rows, 1030, { topP: 0.7 }, { lanes })
    }
  },
)

test('drawn tokens follow their probabilities (chi-squared)', async () => {
  const [count, vocab] = [1024, 16]
  const logits = new Random(3).normals(vocab)
  const rows: Rows = {
    logits: Float32Array.from({ length: count * vocab }, (_, i) => at(logits, i % vocab)),
    keys: Uint32Array.from({ length: count * 6 }, (_, i) => (i % 6 === 5 ? Math.floor(i / 6) : 7)),
    seen: Array.from({ length: count }, () => new Set([0])),
  }
  const settings = { temperature: 1.3, topK: 12 }
  const { tokens } = await draw(rows, vocab, settings)
  const { probabilities } = warp(logits, new Set(), settings)
  const chiSquared = (p: ArrayLike<number>) => {
    let sum = 0
    for (let id = 0; id < vocab; id++) {
      const expected = at(p, id) * count
      const seen = tokens.filter((t) => t === id).length
      if (expected > 0) sum += (seen - expected) ** 2 / expected
      else expect(seen).toBe(0)
    }
    return sum
  }
  expect(chiSquared(probabilities)).toBeLessThan(31.3) // 11 degrees of freedom: 0.1% of seeds exceed it
  // Negative control: another temperature's probabilities do not pass.
  expect(
    chiSquared(warp(logits, new Set(), { ...settings, temperature: 0.8 }).probabilities),
  ).toBeGreaterThan(31.3)
})

test('a row draws the same alone, in a batch and again', async () => {
  const vocab = 4099
  const rows = makeRows(9, vocab, 'normal')
  const settings = { topK: 40, topP: 0.9, repetitionPenalty: 1.1 }
  const batch = await draw(rows, vocab, settings)
  expect(await draw(rows, vocab, settings)).toEqual(batch)
  for (const r of [0, 4, 8]) {
    const alone = await draw(
      {
        logits: rows.logits.slice(r * vocab, (r + 1) * vocab),
        keys: rows.keys.slice(6 * r, 6 * r + 6),
        seen: [at2(rows.seen, r)],
      },
      vocab,
      settings,
    )
    expect(alone.tokens[0]).toBe(batch.tokens[r])
    expect(alone.logprobs[0]).toBe(batch.logprobs[r])
  }
})

test('rows marked greedy take the likeliest token, the others what they would draw', async () => {
  const rows = makeRows(8, 203, 'normal')
  const settings = { temperature: 1.5, repetitionPenalty: 1.2 }
  const [drawn, likeliest] = [
    await draw(rows, 203, settings),
    await draw(rows, 203, { ...settings, temperature: 0 }),
  ]
  const greedy = Uint32Array.from({ length: 8 }, (_, r) => r % 2)
  const { tokens, logprobs } = await draw(rows, 203, settings, { greedy })
  const expected = Array.from(greedy, (isGreedy) => (isGreedy ? likeliest : drawn))
  expect([...tokens]).toEqual(expected.map((from, r) => from.tokens[r]))
  expect([...logprobs]).toEqual(expected.map((from, r) => from.logprobs[r]))
  expect([...tokens]).not.toEqual([...drawn.tokens])
  expect([...tokens]).not.toEqual([...likeliest.tokens])
})

test.each([
  ['normal', 7, 7],
  ['ties', 65, 16],
  ['normal', 100_003, 10],
] as const)('the top of %s logits, %i tokens, %i reported', async (kind, vocab, count) => {
  const gpu = await testGpu()
  const sample = await createSample(gpu)
  const rows = 3
  const host = makeRows(rows, vocab, kind)
  const logits = gpu.upload(host.logits, [rows, vocab], 'logits')
  const ids = gpu.tensor([rows, count], 'ids', 'u32')
  const logprobs = poisoned(gpu, [rows, count], 'logprobs')
  sample.top({ logits, ids, logprobs })
  const expectedIds: number[] = []
  const expectedLogprobs: number[] = []
  for (let r = 0; r < rows; r++) {
    const row = host.logits.subarray(r * vocab, (r + 1) * vocab)
    const first = warp(row, new Set(), { topK: count }).kept
    const all = logSoftmax(row)
    expectedIds.push(...first)
    expectedLogprobs.push(...first.map((id) => at(all, id)))
  }
  expect([...(await gpu.readU32(ids))]).toEqual(expectedIds)
  expectClose(await gpu.readF32(logprobs), expectedLogprobs, 'sample', `top ${vocab}`)
  gpu.release(logits, ids, logprobs)
})

test('wrong shapes and settings are refused by name', async () => {
  const gpu = await testGpu()
  const sample = await createSample(gpu)
  const logits = zeros(gpu, [2, 33], 'logits')
  const keys = gpu.upload(new Uint32Array(12), [2, 6], 'keys')
  const seen = gpu.upload(new Uint32Array(2), [2, 1], 'seen')
  const scores = zeros(gpu, [2, 36], 'scores')
  const token = gpu.upload(new Uint32Array(2), [2], 'token')
  const logprob = zeros(gpu, [2], 'logprob')
  const all = { logits, keys, scores, token, logprob }
  expect(() => sample.draw({ ...all, seen })).toThrow('sample.draw: expected seen (2, 2), got (2, 1)')
  expect(() => sample.draw({ ...all, repetitionPenalty: 2 })).toThrow('sample.draw: expected seen')
  expect(() => sample.draw({ ...all, topP: 1.5 })).toThrow('expected topP within 0 to 1, got 1.5')
  expect(() => sample.draw({ ...all, temperature: -1 })).toThrow('expected temperature 0 or within')
  expect(() => sample.draw({ ...all, keys: seen })).toThrow('expected keys (2, 6), got (2, 1)')
  const wide = zeros(gpu, [2, 17], 'logprobs')
  expect(() => sample.top({ logits, ids: keys, logprobs: wide })).toThrow('expected ids (2, 17), got (2, 6)')
  gpu.release(logits, keys, seen, scores, token, logprob, wide)
})
