import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { combine, combineBackward } from './elementwise.ts'

const random = new Random(8)
const [a, b, dout] = [random.normals(9), random.normals(9), random.normals(9)]

test('the reference gradients of a linear combination agree with central differences', () => {
  const { da, db } = combineBackward(0.3, -2, dout)
  expect(gradientError((p) => combine(0.3, p, -2, b), a, dout, da)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError((p) => combine(0.3, a, -2, p), b, dout, db)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError((p) => combine(0.3, p, -2, b), a, dout, db)).toBeGreaterThan(0.01)
})
