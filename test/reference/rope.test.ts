import { expect, test } from 'vitest'
import { defaultInvFreq, ropeTable } from '../../src/kernels/rope-table.ts'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { ropeBackward, ropeForward } from './rope.ts'

const random = new Random(3)
const [rows, heads, headDim] = [4, 2, 6]
const invFreq = defaultInvFreq(headDim)
const positions = [0, 1, 9, 4000]
const x = random.normals(rows * heads * headDim)
const dout = random.normals(rows * heads * headDim)

test('the reference gradient of RoPE agrees with central differences', () => {
  const dinp = ropeBackward(dout, invFreq, positions)
  const forX = (p: Float64Array) => ropeForward(p, invFreq, positions)
  expect(gradientError(forX, x, dout, dinp)).toBeLessThan(TOLERANCES.gradient)
})

test('a gradient turned the wrong way is caught', () => {
  const wrong = ropeForward(dout, invFreq, positions)
  const forX = (p: Float64Array) => ropeForward(p, invFreq, positions)
  expect(gradientError(forX, x, dout, wrong)).toBeGreaterThan(0.01)
})

test('position 0 changes nothing, and a turn keeps lengths', () => {
  const y = ropeForward(x, invFreq, positions)
  expect([...y.slice(0, heads * headDim)]).toEqual([...x.slice(0, heads * headDim)])
  const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v * v, 0)
  expect(squares(y)).toBeCloseTo(squares(x), 10)
})

test('the score of two turned vectors depends on the distance of their positions alone', () => {
  const [q, k] = [x.slice(0, headDim), x.slice(headDim, 2 * headDim)]
  const score = (m: number, n: number) => {
    const a = ropeForward(q, invFreq, [m])
    const b = ropeForward(k, invFreq, [n])
    return a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0)
  }
  expect(score(7, 3)).toBeCloseTo(score(1007, 1003), 4)
})

test('the table holds the cosines and sines of the angles rounded to f32, times the attention factor', () => {
  const table = ropeTable({ invFreq, attentionFactor: 2 }, 40_000)
  const angle = Math.fround(39_999 * (invFreq[1] ?? 0))
  expect(table.length).toBe(40_000 * headDim)
  expect(table[39_999 * headDim + 1]).toBe(Math.fround(2 * Math.cos(angle)))
  expect(table[39_999 * headDim + 1 + headDim / 2]).toBe(Math.fround(2 * Math.sin(angle)))
})

test('an odd headDim is refused', () => {
  expect(() => defaultInvFreq(7)).toThrow('rope: expected an even headDim, got 7')
})
