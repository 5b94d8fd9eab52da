import { at } from '../support/numeric.ts'

/** A linear layer in float64: `y = scale * x W^T + bias`. x: (M, K), weight: (N, K), bias: (N). */
export function matmulForward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  inner: number,
  bias?: ArrayLike<number>,
  scale = 1,
): Float64Array {
  const rows = x.length / inner
  const outer = weight.length / inner
  const y = new Float64Array(rows * outer)
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < outer; n++) {
      let sum = 0
      for (let k = 0; k < inner; k++) sum += at(x, m * inner + k) * at(weight, n * inner + k)
      y[m * outer + n] = scale * sum + (bias ? at(bias, n) : 0)
    }
  }
  return y
}

/** Gradients of `matmulForward` to x and weight with scale 1 for the cotangent `dout` of `y`. */
export function matmulBackward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  inner: number,
  dout: ArrayLike<number>,
): { dinp: Float64Array; dweight: Float64Array } {
  const rows = x.length / inner
  const outer = weight.length / inner
  const dinp = new Float64Array(x.length)
  const dweight = new Float64Array(weight.length)
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < outer; n++) {
      const d = at(dout, m * outer + n)
      for (let k = 0; k < inner; k++) {
        dinp[m * inner + k] = at(dinp, m * inner + k) + d * at(weight, n * inner + k)
        dweight[n * inner + k] = at(dweight, n * inner + k) + d * at(x, m * inner + k)
      }
    }
  }
  return { dinp, dweight }
}
