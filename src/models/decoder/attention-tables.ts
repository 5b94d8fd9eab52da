import type { Tensor } from '../../gpu/tensor.ts'

/** What attention needs to know of a batch. */
export interface AttentionTables {
  readonly ropeTable: Tensor // (positions, headDim)
  readonly positions: Tensor // (T), u32
  readonly ranges: Tensor // (T, 4), u32
  readonly queryRanges: Tensor // (key rows, 2), u32
  /** Pairs of query and key, for estimating time. */
  readonly pairs: number
}

/** Keys and values of earlier rows, to which a pass adds its own. */
export interface KeyValueCache {
  readonly k: Tensor // (cache rows, numKvHeads * headDim)
  readonly v: Tensor // (cache rows, numKvHeads * headDim)
  /** The cache row of each row of the pass. */
  readonly index: Tensor // (T), u32
  /** Every row of the pass is the only one of its sequence, as in decoding. */
  readonly standAlone: boolean
}

/** The rows of a pass over prefixes that something follows from: one of each, its last. */
export interface WantedRows {
  readonly index: Tensor // (R), u32
  readonly tables: AttentionTables // of these rows
}
