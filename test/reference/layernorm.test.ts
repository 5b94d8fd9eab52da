import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { layerNormBackward, layerNormForward } from './layernorm.ts'

const random = new Random(2)
const [rows, cols, eps] = [3, 7, 1e-5]
const x = random.normals(rows * cols)
const weight = random.normals(cols)
const bias = random.normals(cols)
const dout = random.normals(rows * cols)

test('the reference gradients of LayerNorm agree with central differences', () => {
  const { dinp, dweight, dbias } = layerNormBackward(x, weight, eps, dout)
  const forX = (p: Float64Array) => layerNormForward(p, weight, bias, eps).y
  const forWeight = (p: Float64Array) => layerNormForward(x, p, bias, eps).y
  const forBias = (p: Float64Array) => layerNormForward(x, weight, p, eps).y
  expect(gradientError(forX, x, dout, dinp)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError(forWeight, weight, dout, dweight)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError(forBias, bias, dout, dbias)).toBeLessThan(TOLERANCES.gradient)
})

test('a gradient that takes mean and rstd for constants is caught', () => {
  const { rstd } = layerNormForward(x, weight, bias, eps)
  const wrong = Float64Array.from(
    x,
    (_, i) => (dout[i] ?? 0) * (weight[i % cols] ?? 0) * (rstd[Math.floor(i / cols)] ?? 0),
  )
  const forX = (p: Float64Array) => layerNormForward(p, weight, bias, eps).y
  expect(gradientError(forX, x, dout, wrong)).toBeGreaterThan(0.01)
})
