import { at } from '../support/numeric.ts'

/** LayerNorm in float64; see `src/kernels/layernorm.ts` for the formula. x: (rows, cols), weight, bias: (cols). */
export function layerNormForward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  eps: number,
): { y: Float64Array; mean: Float64Array; rstd: Float64Array } {
  const cols = weight.length
  const rows = x.length / cols
  const y = new Float64Array(x.length)
  const mean = new Float64Array(rows)
  const rstd = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    let sum = 0
    for (let c = 0; c < cols; c++) sum += at(x, r * cols + c)
    const center = sum / cols
    let squares = 0
    for (let c = 0; c < cols; c++) squares += (at(x, r * cols + c) - center) ** 2
    const scale = 1 / Math.sqrt(squares / cols + eps)
    mean[r] = center
    rstd[r] = scale
    for (let c = 0; c < cols; c++) {
      y[r * cols + c] = (at(x, r * cols + c) - center) * scale * at(weight, c) + at(bias, c)
    }
  }
  return { y, mean, rstd }
}

/** Gradients of `layerNormForward` for the cotangent `dout` of `y`. */
export function layerNormBackward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
  dout: ArrayLike<number>,
): { dinp: Float64Array; dweight: Float64Array; dbias: Float64Array } {
  const cols = weight.length
  const rows = x.length / cols
  const { mean, rstd } = layerNormForward(x, weight, new Float64Array(cols), eps)
  const dinp = new Float64Array(x.length)
  const dweight = new Float64Array(cols)
  const dbias = new Float64Array(cols)
  for (let r = 0; r < rows; r++) {
    const xhat = (c: number): number => (at(x, r * cols + c) - at(mean, r)) * at(rstd, r)
    let sum = 0
    let products = 0
    for (let c = 0; c < cols; c++) {
      const g = at(dout, r * cols + c) * at(weight, c)
      sum += g
      products += g * xhat(c)
    }
    for (let c = 0; c < cols; c++) {
      const g = at(dout, r * cols + c) * at(weight, c)
      dinp[r * cols + c] = at(rstd, r) * (g - sum / cols - (xhat(c) * products) / cols)
      dweight[c] = at(dweight, c) + at(dout, r * cols + c) * xhat(c)
      dbias[c] = at(dbias, c) + at(dout, r * cols + c)
    }
  }
  return { dinp, dweight, dbias }
}
