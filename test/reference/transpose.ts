import { at } from '../support/numeric.ts'

/** `y[c, r] = x[r, c]`; x: (x.length / cols, cols). */
export function transpose(x: ArrayLike<number>, cols: number): Float64Array {
  const rows = x.length / cols
  return Float64Array.from({ length: x.length }, (_, i) => at(x, (i % rows) * cols + Math.floor(i / rows)))
}
