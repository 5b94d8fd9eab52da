import { expect, test } from 'vitest'
import { packedLayout } from '../../src/kernels/packing.ts'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { type AttentionCase, attentionBackward, attentionForward, seesByRanges } from './attention.ts'

const layout = packedLayout([
  { prefixLength: 3, segmentLengths: [2, 4] },
  { prefixLength: 0, segmentLengths: [1, 2] },
])
const c: AttentionCase = {
  queryRows: layout.queryRows,
  keyRows: layout.keyRows,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 4,
  scale: 0.5,
  sees: seesByRanges(layout.ranges),
}
const random = new Random(1)
const q = random.normals(c.queryRows * c.numHeads * c.headDim)
const k = random.normals(c.keyRows * c.numKvHeads * c.headDim)
const v = random.normals(c.keyRows * c.numKvHeads * c.headDim)
const dout = random.normals(q.length)

test('the reference gradients of attention agree with central differences', () => {
  const { dq, dk, dv } = attentionBackward(c, q, k, v, dout)
  const limit = TOLERANCES.gradient
  expect(gradientError((x) => attentionForward(c, x, k, v).out, q, dout, dq)).toBeLessThan(limit)
  expect(gradientError((x) => attentionForward(c, q, x, v).out, k, dout, dk)).toBeLessThan(limit)
  expect(gradientError((x) => attentionForward(c, q, k, x).out, v, dout, dv)).toBeLessThan(limit)
})

test('a gradient that lets segments see each other is caught', () => {
  const { dk } = attentionBackward({ ...c, sees: (i, j) => j <= i }, q, k, v, dout)
  expect(gradientError((x) => attentionForward(c, q, x, v).out, k, dout, dk)).toBeGreaterThan(0.01)
})

test('a row that sees nothing gives zeros, and no gradient', () => {
  const blind = { ...c, sees: (i: number, j: number) => i > 0 && j <= i }
  const { out, lse } = attentionForward(blind, q, k, v)
  expect([...out.slice(0, c.numHeads * c.headDim)].every((x) => x === 0)).toBe(true)
  expect(lse[0]).toBe(-1e30)
  const { dq } = attentionBackward(blind, q, k, v, dout)
  expect([...dq.slice(0, c.numHeads * c.headDim)].every((x) => x === 0)).toBe(true)
})
