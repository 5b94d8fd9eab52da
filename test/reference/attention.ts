import { at } from '../support/numeric.ts'

/** Sizes and visibility of one attention call; see `src/kernels/attention.ts`. */
export interface AttentionCase {
  queryRows: number
  keyRows: number
  numHeads: number
  numKvHeads: number
  headDim: number
  scale: number
  /** Whether query row i sees key row j. */
  sees: (i: number, j: number) => boolean
}

/** Visibility as `ranges` (queryRows, 4) states it. */
export function seesByRanges(ranges: ArrayLike<number>): AttentionCase['sees'] {
  return (i, j) =>
    (at(ranges, 4 * i) <= j && j < at(ranges, 4 * i + 1)) ||
    (at(ranges, 4 * i + 2) <= j && j < at(ranges, 4 * i + 3))
}

/** Probabilities of one query row and head over all keys (zero where it sees none), and the log of their normaliser. */
function probabilities(
  c: AttentionCase,
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  i: number,
  h: number,
): { p: Float64Array; lse: number } {
  const kvHead = Math.floor(h / (c.numHeads / c.numKvHeads))
  const scores = new Float64Array(c.keyRows)
  let peak = -Infinity
  for (let j = 0; j < c.keyRows; j++) {
    if (!c.sees(i, j)) continue
    let dot = 0
    for (let d = 0; d < c.headDim; d++)
      dot += at(q, (i * c.numHeads + h) * c.headDim + d) * at(k, (j * c.numKvHeads + kvHead) * c.headDim + d)
    scores[j] = c.scale * dot
    peak = Math.max(peak, at(scores, j))
  }
  const p = new Float64Array(c.keyRows)
  if (peak === -Infinity) return { p, lse: -1e30 }
  let total = 0
  for (let j = 0; j < c.keyRows; j++) if (c.sees(i, j)) total += Math.exp(at(scores, j) - peak)
  const lse = peak + Math.log(total)
  for (let j = 0; j < c.keyRows; j++) if (c.sees(i, j)) p[j] = Math.exp(at(scores, j) - lse)
  return { p, lse }
}

/** Attention in float64. q: (queryRows, numHeads * headDim); k, v: (keyRows, numKvHeads * headDim). */
export function attentionForward(
  c: AttentionCase,
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
): { out: Float64Array; lse: Float64Array } {
  const out = new Float64Array(c.queryRows * c.numHeads * c.headDim)
  const lse = new Float64Array(c.queryRows * c.numHeads)
  for (let i = 0; i < c.queryRows; i++) {
    for (let h = 0; h < c.numHeads; h++) {
      const kvHead = Math.floor(h / (c.numHeads / c.numKvHeads))
      const row = probabilities(c, q, k, i, h)
      lse[i * c.numHeads + h] = row.lse
      for (let j = 0; j < c.keyRows; j++) {
        const p = at(row.p, j)
        if (p === 0) continue
        for (let d = 0; d < c.headDim; d++) {
          const o = (i * c.numHeads + h) * c.headDim + d
          out[o] = at(out, o) + p * at(v, (j * c.numKvHeads + kvHead) * c.headDim + d)
        }
      }
    }
  }
  return { out, lse }
}

/** Gradients of `attentionForward` for the cotangent `dout` of `out`. */
export function attentionBackward(
  c: AttentionCase,
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  dout: ArrayLike<number>,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const dq = new Float64Array(q.length)
  const dk = new Float64Array(k.length)
  const dv = new Float64Array(v.length)
  for (let i = 0; i < c.queryRows; i++) {
    for (let h = 0; h < c.numHeads; h++) {
      const kvHead = Math.floor(h / (c.numHeads / c.numKvHeads))
      const query = (i * c.numHeads + h) * c.headDim
      const { p } = probabilities(c, q, k, i, h)
      const dp = new Float64Array(c.keyRows)
      let mean = 0
      for (let j = 0; j < c.keyRows; j++) {
        const key = (j * c.numKvHeads + kvHead) * c.headDim
        for (let d = 0; d < c.headDim; d++) dp[j] = at(dp, j) + at(dout, query + d) * at(v, key + d)
        mean += at(p, j) * at(dp, j)
      }
      for (let j = 0; j < c.keyRows; j++) {
        if (at(p, j) === 0) continue
        const key = (j * c.numKvHeads + kvHead) * c.headDim
        const ds = c.scale * at(p, j) * (at(dp, j) - mean)
        for (let d = 0; d < c.headDim; d++) {
          dq[query + d] = at(dq, query + d) + ds * at(k, key + d)
          dk[key + d] = at(dk, key + d) + ds * at(q, query + d)
          dv[key + d] = at(dv, key + d) + at(p, j) * at(dout, query + d)
        }
      }
    }
  }
  return { dq, dk, dv }
}
