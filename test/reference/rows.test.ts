import { expect, test } from 'vitest'
import { assertUnique, NO_ROW, sortByDestination } from '../../src/kernels/rows.ts'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { gather, scatter, scatterAdd } from './rows.ts'

const random = new Random(10)
const cols = 3
const x = random.normals(4 * cols)
const index = [2, 0, 2, NO_ROW, 3]
const dout = random.normals(index.length * cols)

test('the gradient of a gather is a sum of what was gathered', () => {
  const dx = scatterAdd(dout, index, 4, cols)
  expect(gradientError((p) => gather(p, index, cols), x, dout, dx)).toBeLessThan(TOLERANCES.gradient)
  const last = scatter(dout, index, new Float64Array(4 * cols), cols)
  expect(gradientError((p) => gather(p, index, cols), x, dout, last)).toBeGreaterThan(0.01)
})

test('the gradient of a scatter is a gather', () => {
  const to = [5, 0, 2, 3]
  const cotangent = random.normals(6 * cols)
  const dx = gather(cotangent, to, cols)
  const forX = (p: Float64Array) => scatter(p, to, new Float64Array(6 * cols), cols)
  expect(gradientError(forX, x, cotangent, dx)).toBeLessThan(TOLERANCES.gradient)
})

test('sources are listed by destination, in their order', () => {
  const { offsets, order } = sortByDestination(index, 4)
  expect([...offsets]).toEqual([0, 1, 1, 3, 4])
  expect([...order]).toEqual([1, 0, 2, 4])
  expect([...sortByDestination([NO_ROW], 1).offsets]).toEqual([0, 0])
})

test('an index for scatter that repeats or leaves the matrix is refused', () => {
  expect(() => assertUnique([1, NO_ROW, 0, NO_ROW], 2)).not.toThrow()
  expect(() => assertUnique([1, 0, 1], 2)).toThrow('expected every row once, got 1 again at 2')
  expect(() => assertUnique([2], 2)).toThrow('expected rows below 2, got 2 at 0')
})
