import { at } from '../support/numeric.ts'

/** `alpha * a + beta * b` in float64; see `src/kernels/elementwise.ts`, whose operations are all of this form. */
export function combine(
  alpha: number,
  a: ArrayLike<number>,
  beta: number,
  b: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(a, (v, i) => alpha * v + beta * at(b, i))
}

/** Gradients of `combine` for the cotangent `dout`. */
export function combineBackward(
  alpha: number,
  beta: number,
  dout: ArrayLike<number>,
): { da: Float64Array; db: Float64Array } {
  return {
    da: Float64Array.from(dout, (d) => alpha * d),
    db: Float64Array.from(dout, (d) => beta * d),
  }
}
