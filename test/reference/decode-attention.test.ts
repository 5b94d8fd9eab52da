import { expect, test } from 'vitest'
import { Random } from '../support/random.ts'
import { attentionForward, seesByRanges } from './attention.ts'
import { decodeAttentionForward } from './decode-attention.ts'

test('is attention over the same intervals', () => {
  const random = new Random(1)
  const [numHeads, numKvHeads, headDim, keyRows, scale] = [6, 2, 4, 20, 0.3]
  const ranges = [0, 7, 9, 12, 3, 3, 19, 20, 5, 5, 2, 2]
  const q = random.normals(3 * numHeads * headDim)
  const k = random.normals(keyRows * numKvHeads * headDim)
  const v = random.normals(keyRows * numKvHeads * headDim)
  const sizes = { numHeads, numKvHeads, headDim, scale }
  const expected = attentionForward(
    { ...sizes, queryRows: 3, keyRows, sees: seesByRanges(ranges) },
    q,
    k,
    v,
  ).out
  const out = decodeAttentionForward({ ...sizes, ranges }, q, k, v)
  expect(expected.some((x) => x !== 0)).toBe(true)
  out.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 12)
  })
})
