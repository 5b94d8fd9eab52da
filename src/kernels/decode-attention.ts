import source from '../../shaders/decode-attention.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, teamSpec } from './common.ts'
import { rowsPerGroup } from './element.ts'

/** Numbers of an output a lane holds; with more, registers run out. */
const MOST_SUMS = 64

export interface DecodeAttentionOptions extends KernelOptions {
  /** Columns of one head, a multiple of 4 from 4 to 128. */
  headDim: number
  /** Query heads that share a key head. */
  groupSize: number
}

/**
 * Attention of query rows that stand alone, one to an answer, over intervals of a cache of keys and values:
 * `out = softmax(scale * q k^T) v`, as `Attention.forward` computes it for rows that come many to a prefix.
 * Each row costs as much as it sees. A row that sees nothing gets zeros. Results of a row do not depend on other rows.
 */
export interface DecodeAttention {
  forward(args: {
    q: Tensor // (queryRows, numHeads * headDim)
    k: Tensor // (keyRows, numKvHeads * headDim)
    v: Tensor // (keyRows, numKvHeads * headDim)
    /** prefixStart, prefixEnd, ownStart, ownEnd of each query row: disjoint intervals of key rows. */
    ranges: Tensor // u32 (queryRows, 4)
    out: Tensor // (queryRows, numHeads * headDim), assigned
    /** Factor of the scores. Default 1 / sqrt(headDim). */
    scale?: number
    /** Pairs of a query row and a key row it sees, for estimating time only. Default all. */
    pairs?: number
  }): void
}

/**
 * Compiles decoding's attention for one head size and one number of heads to a key head.
 * @throws {ShapeError} unless headDim is a multiple of 4 from 4 to 128 and groupSize a whole number from 1 on.
 * @throws {KernelError} when a shader does not compile.
 */
export async function createDecodeAttention(
  gpu: Gpu,
  options: DecodeAttentionOptions,
): Promise<DecodeAttention> {
  const { headDim, groupSize } = options
  const label = 'decodeAttention.forward'
  if (!Number.isInteger(headDim / 4) || headDim < 4 || headDim > 128)
    throw new ShapeError(`${label}: expected headDim to be a multiple of 4 from 4 to 128, got ${headDim}`)
  if (!Number.isInteger(groupSize) || groupSize < 1)
    throw new ShapeError(`${label}: expected groupSize to be a whole number from 1 on, got ${groupSize}`)
  // Two heads of one key head share what is loaded, where their sums fit.
  const heads = groupSize % 2 === 0 && 2 * headDim <= MOST_SUMS ? 2 : 1
  const tasksPerGroup = rowsPerGroup(gpu, options)
  const forward = await gpu.kernel({
    label,
    shader: { path: 'shaders/decode-attention.wgsl', source },
    entryPoint: 'forward',
    consts: { HEAD_DIM: headDim, HEADS: heads },
    overrides: { TASKS_PER_GROUP: tasksPerGroup },
    ...teamSpec(gpu, options),
  })
  return {
    forward({ q, k, v, ranges, out, scale = headDim ** -0.5, pairs }) {
      const [queryRows, queryCols] = expectMatrix(label, 'q', q)
      const numHeads = queryCols / headDim
      if (!Number.isInteger(numHeads / groupSize))
        throw new ShapeError(
          `${label}: expected q with a multiple of ${groupSize * headDim} columns, got ${queryCols}`,
        )
      const [keyRows] = expectMatrix(label, 'k', k)
      const numKvHeads = numHeads / groupSize
      expectShape(label, 'k', k, [keyRows, numKvHeads * headDim])
      expectShape(label, 'v', v, k.shape)
      expectShape(label, 'ranges', ranges, [queryRows, 4], 'u32')
      expectShape(label, 'out', out, q.shape)
      const seen = pairs ?? queryRows * keyRows
      forward.dispatch(
        { q, k, v, ranges, out },
        { query_rows: queryRows, num_heads: numHeads, num_kv_heads: numKvHeads, scale },
        [Math.ceil((queryRows * numHeads) / heads / tasksPerGroup), 1, 1],
        { flops: 4 * seen * queryCols, bytes: 8 * seen * numKvHeads * headDim + 2 * q.byteLength },
      )
    },
  }
}
