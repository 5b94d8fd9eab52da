import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { reduce } from './reduce.ts'

const random = new Random(9)
const [rows, cols] = [4, 5]
const x = random.normals(rows * cols)

test('the column sum is the gradient of a bias added to every row', () => {
  const bias = random.normals(cols)
  const addBias = (p: Float64Array) => Float64Array.from(x, (v, i) => v + (p[i % cols] ?? 0))
  const { columnSum } = reduce(x, cols)
  expect(gradientError(addBias, bias, x, columnSum)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError(addBias, bias, x, columnSum.toReversed())).toBeGreaterThan(0.01)
})

test('rows have their sum, mean and maximum', () => {
  const result = reduce([1, -2, 4, -3, -9, -6], 3)
  expect([...result.rowSum]).toEqual([3, -18])
  expect([...result.rowMean]).toEqual([1, -6])
  expect([...result.rowMax]).toEqual([4, -3])
  expect([...result.columnSum]).toEqual([-2, -11, -2])
})
