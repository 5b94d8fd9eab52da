import { at } from '../support/numeric.ts'

/** RMSNorm in float64; see `src/kernels/rmsnorm.ts` for the formula. x: (rows, cols), weight: (cols). */
export function rmsNormForward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
): { y: Float64Array; rstd: Float64Array } {
  const cols = weight.length
  const rows = x.length / cols
  const y = new Float64Array(x.length)
  const rstd = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    let squares = 0
    for (let c = 0; c < cols; c++) squares += at(x, r * cols + c) ** 2
    const scale = 1 / Math.sqrt(squares / cols + eps)
    rstd[r] = scale
    for (let c = 0; c < cols; c++) y[r * cols + c] = at(x, r * cols + c) * scale * at(weight, c)
  }
  return { y, rstd }
}

/** Gradients of `rmsNormForward` for the cotangent `dout` of `y`. */
export function rmsNormBackward(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
  dout: ArrayLike<number>,
): { dinp: Float64Array; dweight: Float64Array } {
  const cols = weight.length
  const rows = x.length / cols
  const { rstd } = rmsNormForward(x, weight, eps)
  const dinp = new Float64Array(x.length)
  const dweight = new Float64Array(cols)
  for (let r = 0; r < rows; r++) {
    const scale = at(rstd, r)
    let dot = 0
    for (let c = 0; c < cols; c++) dot += at(dout, r * cols + c) * at(weight, c) * at(x, r * cols + c)
    for (let c = 0; c < cols; c++) {
      const i = r * cols + c
      dinp[i] = scale * (at(dout, i) * at(weight, c) - (at(x, i) * scale * scale * dot) / cols)
      dweight[c] = at(dweight, c) + at(dout, i) * at(x, i) * scale
    }
  }
  return { dinp, dweight }
}
