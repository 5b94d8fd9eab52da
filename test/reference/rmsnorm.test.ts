import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { rmsNormBackward, rmsNormForward } from './rmsnorm.ts'

const random = new Random(1)
const [rows, cols, eps] = [3, 7, 1e-5]
const x = random.normals(rows * cols)
const weight = random.normals(cols)
const dout = random.normals(rows * cols)

test('the reference gradients of RMSNorm agree with central differences', () => {
  const { dinp, dweight } = rmsNormBackward(x, weight, eps, dout)
  expect(gradientError((p) => rmsNormForward(p, weight, eps).y, x, dout, dinp)).toBeLessThan(
    TOLERANCES.gradient,
  )
  expect(gradientError((p) => rmsNormForward(x, p, eps).y, weight, dout, dweight)).toBeLessThan(
    TOLERANCES.gradient,
  )
})

test('a gradient that ignores the mean is caught', () => {
  const { rstd } = rmsNormForward(x, weight, eps)
  const wrong = Float64Array.from(
    x,
    (_, i) => (dout[i] ?? 0) * (weight[i % cols] ?? 0) * (rstd[Math.floor(i / cols)] ?? 0),
  )
  expect(gradientError((p) => rmsNormForward(p, weight, eps).y, x, dout, wrong)).toBeGreaterThan(0.01)
})
