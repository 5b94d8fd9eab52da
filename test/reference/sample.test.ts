import { expect, test } from 'vitest'
import { at } from '../support/numeric.ts'
import { drawToken, logSoftmax, uniformOfKey, warp } from './sample.ts'

const log = (probabilities: readonly number[]) => Float32Array.from(probabilities, Math.log)
const none = new Set<number>()
const keptIds = (row: { kept: number[] }) => [...row.kept].sort((a, b) => a - b)

test('top-p keeps the fewest tokens that reach the mass, as transformers does', () => {
  expect(keptIds(warp(log([0.3, 0.1, 0.1, 0.5]), none, { topP: 0.79 }))).toEqual([0, 3])
  expect(keptIds(warp(log([0.15, 0.3, 0.3, 0.25]), none, { topP: 0.79 }))).toEqual([1, 2, 3])
  expect(keptIds(warp(log([0.15, 0.3, 0.3, 0.25]), none, { topP: 0 }))).toEqual([1])
})

test('min-p drops what is far below the likeliest, as transformers does', () => {
  expect(keptIds(warp(log([0.9, 0.0274, 0.047, 0.0274]), none, { minP: 0.05 }))).toEqual([0, 2])
  expect(keptIds(warp(log([0.97, 0.01, 0.01, 0.01]), none, { minP: 0.05 }))).toEqual([0])
})

test('top-k keeps the lower ids among equals, and top-p sees only what it kept', () => {
  expect(keptIds(warp([1, 2, 1, 1, 2], none, { topK: 3 }))).toEqual([0, 1, 4])
  const row = warp(log([0.4, 0.3, 0.2, 0.1]), none, { topK: 2, topP: 0.6 })
  expect(keptIds(row)).toEqual([0, 1]) // 0.4 / 0.7 < 0.6: of all four it would have needed 0.4 + 0.3 as well
  expect(row.probabilities[0]).toBeCloseTo(4 / 7, 6)
})

test('the penalty divides positive and multiplies negative scores of seen tokens', () => {
  const row = warp([2, -1, 1.5], new Set([0, 1]), { repetitionPenalty: 2 })
  const weights = [1, -2, 1.5].map((z) => Math.exp(z - 1.5))
  const total = weights.reduce((a, b) => a + b, 0)
  expect(row.greedy).toBe(2)
  weights.forEach((w, i) => {
    expect(at(row.probabilities, i)).toBeCloseTo(w / total, 12)
  })
})

test('a draw inverts the distribution function, and a set without its last token is seen', () => {
  const p = Float64Array.of(0.2, 0, 0.5, 0.3)
  expect([0, 0.19, 0.2, 0.69, 0.71, 0.999].map((u) => drawToken(p, u).token)).toEqual([0, 0, 2, 2, 3, 3])
  const shorter = Float64Array.of(2 / 7, 0, 5 / 7, 0)
  expect(drawToken(shorter, 0.71).token).not.toBe(drawToken(p, 0.71).token)
})

test('keys draw different numbers by every word', () => {
  const key = [1, 2, 3, 4, 5, 6]
  const drawn = key.map((_, i) => uniformOfKey(key.map((word, j) => (i === j ? word + 1 : word))))
  expect(new Set([...drawn, uniformOfKey(key)]).size).toBe(7)
  expect(logSoftmax([0, 0, 0])[1]).toBeCloseTo(-Math.log(3), 12)
})
