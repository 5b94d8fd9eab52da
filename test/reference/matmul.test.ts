import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { matmulBackward, matmulForward } from './matmul.ts'

const random = new Random(1)
const [rows, inner, outer] = [3, 5, 4]
const x = random.normals(rows * inner)
const weight = random.normals(outer * inner)
const bias = random.normals(outer)
const dout = random.normals(rows * outer)

test('the reference gradients of a linear layer agree with central differences', () => {
  const { dinp, dweight } = matmulBackward(x, weight, inner, dout)
  const limit = TOLERANCES.gradient
  expect(gradientError((p) => matmulForward(p, weight, inner, bias), x, dout, dinp)).toBeLessThan(limit)
  expect(gradientError((p) => matmulForward(x, p, inner, bias), weight, dout, dweight)).toBeLessThan(limit)
})

test('a gradient of the transposed weight is caught', () => {
  const wrong = matmulForward(dout, weight, outer).slice(0, x.length)
  expect(gradientError((p) => matmulForward(p, weight, inner), x, dout, wrong)).toBeGreaterThan(0.01)
})
