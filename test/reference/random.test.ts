import { expect, test } from 'vitest'
import { type Counter, type Key, philox4x32, uniformOf } from '../../src/method/random.ts'
import { at } from '../support/numeric.ts'
import { KNOWN_ANSWERS } from './random.ts'

test.each(KNOWN_ANSWERS)('philox4x32-10 gives the published answer %#', ({ counter, key, answer }) => {
  expect(philox4x32(counter, key)).toEqual(answer)
})

test('agrees with 64-bit whole numbers', () => {
  for (let i = 0; i < 50; i++) {
    const counter: Counter = [i, Math.imul(i, 0x9e3779b9) >>> 0, 0xffffffff - i, 1 << (i % 32)]
    const key: Key = [i * 7, 0x80000000 + i]
    expect(philox4x32(counter, key)).toEqual(bigPhilox(counter, key))
  }
})

test('one bit of the key changes about half of the answer, and a round fewer is caught', () => {
  const first = philox4x32([1, 2, 3, 4], [5, 6])
  const second = philox4x32([1, 2, 3, 4], [5, 7])
  const flipped = first.map((word, i) => (word ^ at(second, i)).toString(2).replace(/[^1]/g, '').length)
  const total = flipped.reduce((a, b) => a + b, 0)
  expect(total).toBeGreaterThan(40)
  expect(total).toBeLessThan(88)
  expect(bigPhilox([1, 2, 3, 4], [5, 6], 9)).not.toEqual(first)
})

test('uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12', () => {
  const n = 20_000
  const values = Array.from({ length: n / 4 }, (_, i) => philox4x32([i, 0, 0, 0], [3, 4]))
    .flat()
    .map(uniformOf)
  const mean = values.reduce((a, b) => a + b, 0) / n
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...values)).toBeLessThan(1)
  expect(uniformOf(0xffffffff)).toBeLessThan(1)
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n))
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002)
})

/** Philox written with BigInt, straight from the paper. */
function bigPhilox(counter: Counter, key: Key, rounds = 10): number[] {
  const mask = 0xffffffffn
  let [c0, c1, c2, c3] = counter.map((word) => BigInt(word >>> 0)) as [bigint, bigint, bigint, bigint]
  let [k0, k1] = key.map((word) => BigInt(word >>> 0)) as [bigint, bigint]
  for (let round = 0; round < rounds; round++) {
    const p0 = 0xd2511f53n * c0
    const p1 = 0xcd9e8d57n * c2
    ;[c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask]
    k0 = (k0 + 0x9e3779b9n) & mask
    k1 = (k1 + 0xbb67ae85n) & mask
  }
  return [c0, c1, c2, c3].map(Number)
}
