import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { transpose } from './transpose.ts'

const random = new Random(15)
const [rows, cols] = [3, 5]
const x = random.normals(rows * cols)
const dout = random.normals(rows * cols)

test('the gradient of a transpose is the transpose', () => {
  const dinp = transpose(dout, rows)
  expect(gradientError((p) => transpose(p, cols), x, dout, dinp)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError((p) => transpose(p, cols), x, dout, dout)).toBeGreaterThan(0.01)
})

test('rows become columns', () => {
  expect([...transpose([1, 2, 3, 4, 5, 6], 3)]).toEqual([1, 4, 2, 5, 3, 6])
})
