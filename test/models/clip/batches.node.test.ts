import { afterEach, expect, test, vi } from 'vitest'
import { embedInBatches } from '../../../src/models/clip/batches.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** A clock that shows what embedding `count` items, the next after each look at it, is said to take. */
function clock() {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  return (durationMs: number) => {
    now += durationMs
  }
}

/** Embeds numbers as (n, 10 n), at so many milliseconds each. */
function embedder(eachMs: number) {
  const pass = clock()
  const sizes: number[] = []
  const embed = async (batch: readonly number[]) => {
    sizes.push(batch.length)
    pass(eachMs * batch.length)
    return Float32Array.from(batch.flatMap((n) => [n, 10 * n]))
  }
  return { embed, sizes }
}

const items = (count: number) => Array.from({ length: count }, (_, i) => ({ row: count - 1 - i, value: i }))

test('rows go where their items say, with progress after each batch', async () => {
  const { embed } = embedder(1)
  const told: number[] = []
  const rows = await embedInBatches(items(9), embed, {
    dim: 2,
    limit: 4,
    onProgress: ({ done, total }) => told.push(done, total),
  })
  expect([...rows]).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((n) => [n, 10 * n]))
  expect(told).toEqual([1, 9, 3, 9, 7, 9, 9, 9])
})

test.each([
  ['fast ones grow to the limit', 1, [1, 2, 4, 8, 16, 16, 3]],
  ['those of 30 ms to what fits in 100', 30, [1, 2, ...Array(15).fill(3), 2]],
  ['slow ones stay alone', 400, Array(50).fill(1)],
])('batches: %s', async (_, eachMs, expected) => {
  const { embed, sizes } = embedder(eachMs)
  await embedInBatches(items(50), embed, { dim: 2, limit: 16 })
  expect(sizes).toEqual(expected)
})

test('only what is alike shares a batch', async () => {
  const { embed, sizes } = embedder(1)
  const values = [1, 1, 1, 2, 2, 3, 3, 3, 3].map((value, row) => ({ row, value }))
  const rows = await embedInBatches(values, embed, { dim: 2, limit: 16, isAlike: (a, b) => a === b })
  expect(sizes).toEqual([1, 2, 2, 4])
  expect([...rows]).toEqual(values.flatMap(({ value }) => [value, 10 * value]))
})

test('an abort is heard before the next batch', async () => {
  const { embed, sizes } = embedder(1)
  const controller = new AbortController()
  const embedding = embedInBatches(items(50), embed, {
    dim: 2,
    limit: 16,
    signal: controller.signal,
    onProgress: ({ done }) => done >= 7 && controller.abort(),
  })
  await expect(embedding).rejects.toMatchObject({ name: 'AbortError' })
  expect(sizes).toEqual([1, 2, 4])
})
