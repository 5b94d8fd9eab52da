import { expect, test } from 'vitest'
import { type ReferenceOptions, referencePass } from '../../../src/models/decoder/reference-pass.ts'

const PAIRS = 1000
const BATCH = 3
const PART = 258 // the first multiple of the batch from 256

/** A pass over pairs whose log-probabilities follow from their places, and what it keeps and measures. */
function setUp() {
  const kept = new Map<number, Float32Array<ArrayBuffer>>()
  const measured: number[] = []
  const store = {
    get: async (first: number) => kept.get(first),
    set: async (first: number, logps: Float32Array<ArrayBuffer>) => void kept.set(first, logps),
  }
  const pass = (options: ReferenceOptions = {}) =>
    referencePass(
      PAIRS,
      BATCH,
      async (indices) => {
        measured.push(...indices)
        return Float32Array.from(indices.flatMap((i) => [i, -i]))
      },
      { store, ...options },
    )
  return { pass, kept, measured }
}

const expected = Float32Array.from({ length: 2 * PAIRS }, (_, i) => (i % 2 ? -1 : 1) * Math.floor(i / 2))

test('what is kept is not measured again, and what was lost or is of another size is', async () => {
  const { pass, kept, measured } = setUp()
  const done: number[] = []
  expect(await pass({ onProgress: (n) => done.push(n) })).toEqual(expected)
  expect(measured).toEqual([...Array(PAIRS).keys()])
  expect(done.at(-1)).toBe(PAIRS)
  expect([...kept.keys()]).toEqual([0, PART, 2 * PART, 3 * PART])
  kept.delete(PART)
  kept.set(3 * PART, new Float32Array(4))
  measured.length = 0
  expect(await pass()).toEqual(expected)
  expect(measured.length).toBe(PART + PAIRS - 3 * PART)
})

test('a pass that is broken off goes on from the part it was in', async () => {
  const { pass, measured } = setUp()
  const controller = new AbortController()
  const onProgress = (n: number) => n > 600 && controller.abort(new Error('enough'))
  await expect(pass({ signal: controller.signal, onProgress })).rejects.toThrow('enough')
  measured.length = 0
  expect(await pass()).toEqual(expected)
  expect(measured[0]).toBe(2 * PART)
})

test('a pause holds it before its next batch', async () => {
  const { pass, measured } = setUp()
  let resume = (): void => {}
  const resumed = new Promise<void>((resolve) => {
    resume = resolve
  })
  let gates = 0
  const passing = pass({ gate: async () => void (++gates === 3 && (await resumed)) })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(measured).toHaveLength(2 * BATCH)
  resume()
  expect(await passing).toEqual(expected)
})
