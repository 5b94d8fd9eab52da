import { gather, scatterAdd } from './rows.ts'

/** `y[t] = weight[ids[t]]` in float64, zeros for an id past the table; weight: (vocabulary, cols). */
export function embeddingForward(
  weight: ArrayLike<number>,
  ids: ArrayLike<number>,
  cols: number,
): Float64Array {
  return gather(weight, ids, cols)
}

/** Gradient of `embeddingForward` to the table for the cotangent `dout`. */
export function embeddingBackward(
  dout: ArrayLike<number>,
  ids: ArrayLike<number>,
  vocabulary: number,
  cols: number,
): Float64Array {
  return scatterAdd(dout, ids, vocabulary, cols)
}
