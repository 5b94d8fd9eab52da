import { at } from '../support/numeric.ts'

/** Sizes of one call; see `src/kernels/decode-attention.ts`. */
export interface DecodeAttentionCase {
  numHeads: number
  numKvHeads: number
  headDim: number
  scale: number
  /** (queryRows, 4): prefixStart, prefixEnd, ownStart, ownEnd. */
  ranges: ArrayLike<number>
}

/** Attention of rows that stand alone, in float64: each row over the list of the keys of its two intervals. */
export function decodeAttentionForward(
  { numHeads, numKvHeads, headDim, scale, ranges }: DecodeAttentionCase,
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
): Float64Array {
  const queryRows = ranges.length / 4
  const out = new Float64Array(queryRows * numHeads * headDim)
  for (let row = 0; row < queryRows; row++) {
    const keys: number[] = []
    for (const side of [0, 2])
      for (let key = at(ranges, 4 * row + side); key < at(ranges, 4 * row + side + 1); key++) keys.push(key)
    for (let head = 0; head < numHeads; head++) {
      const query = (row * numHeads + head) * headDim
      const start = (key: number) => (key * numKvHeads + Math.floor((head * numKvHeads) / numHeads)) * headDim
      const scores = keys.map((key) => {
        let dot = 0
        for (let d = 0; d < headDim; d++) dot += at(q, query + d) * at(k, start(key) + d)
        return scale * dot
      })
      const peak = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - peak))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      for (let d = 0; d < headDim; d++) {
        let sum = 0
        keys.forEach((key, i) => {
          sum += (at(weights, i) / total) * at(v, start(key) + d)
        })
        out[query + d] = sum
      }
    }
  }
  return out
}
