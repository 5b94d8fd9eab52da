import { describe, expect, test, vi } from 'vitest'
import { hashRun } from '../../src/models/training-pairs.ts'

const pair = (key: string, answer: number, weight?: number) => ({
  prefix: { key, ids: [1, 2, 3] },
  chosen: [answer],
  rejected: [answer + 1],
  ...(weight === undefined ? {} : { weight }),
})
const initial = Float32Array.of(1, 2)

describe('the hash of a run', () => {
  test('tells pairs, their order, their weights and the first adapter apart', async () => {
    const pairs = [pair('a', 4), pair('b', 5)]
    const run = await hashRun(pairs, initial)
    expect(await hashRun([...pairs], initial)).toEqual(run)
    for (const other of [
      [...pairs].reverse(),
      pairs.slice(1),
      [pair('a', 4), pair('b', 6)],
      [pair('a', 4), pair('c', 5)],
      [pair('a', 4), pair('b', 5, 2)],
      [pair('a', 4), { ...pair('b', 5), prefix: { key: 'b', ids: [1, 2, 4] } }], // another tokenizer
    ]) {
      expect((await hashRun(other, initial)).pairs).not.toBe(run.pairs)
      expect((await hashRun(other, initial)).adapter).toBe(run.adapter)
    }
    expect((await hashRun(pairs, Float32Array.of(1, 3))).adapter).not.toBe(run.adapter)
  })

  test('never makes a text of more than one pair', async () => {
    const stringify = vi.spyOn(JSON, 'stringify')
    const long = Array.from({ length: 1000 }, (_, i) => i)
    const pairs = Array.from({ length: 50 }, (_, i) => ({
      ...pair(`${i}`, i),
      prefix: { key: `${i}`, ids: long },
    }))
    await hashRun(pairs, initial)
    const longest = Math.max(...stringify.mock.results.map(({ value }) => String(value).length))
    stringify.mockRestore()
    expect(longest).toBeLessThan(2 * JSON.stringify(long).length)
  })
})
