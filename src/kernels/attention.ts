import backwardTiles from '../../shaders/attention.backward.tiles.wgsl?raw'
import backward from '../../shaders/attention.backward.wgsl?raw'
import forwardTiles from '../../shaders/attention.tiles.wgsl?raw'
import forward from '../../shaders/attention.wgsl?raw'
import quads from '../../shaders/common/attention.quads.wgsl?raw'
import tiles from '../../shaders/common/attention.tiles.wgsl?raw'
import shared from '../../shaders/common/attention.wgsl?raw'
import block from '../../shaders/common/block.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { KernelSpec, ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, quadSpec } from './common.ts'

/**
 * How attention is computed, to sums of their own order: `quads` in registers alone, four rows to an invocation, for adapters on
 * the CPU; `tiles` through workgroup memory, four invocations to a row, so that a GPU's registers hold all sums.
 */
export type AttentionDesign = 'quads' | 'tiles'
export const ATTENTION_DESIGNS: readonly AttentionDesign[] = ['quads', 'tiles']

/** Virtual rows, or key rows, a workgroup owns. */
const ROWS_PER_GROUP: Readonly<Record<AttentionDesign, number>> = { quads: 128, tiles: 16 }
const PREPARE_PER_GROUP = 64
/** Row numbers travel through f32 in the backward pass. */
const MAX_ROWS = 2 ** 24

const BLOCK: ShaderFile = { path: 'shaders/common/block.wgsl', source: block }
const SHARED: ShaderFile = { path: 'shaders/common/attention.wgsl', source: shared }
const QUADS: ShaderFile = { path: 'shaders/common/attention.quads.wgsl', source: quads }
const TILES: ShaderFile = { path: 'shaders/common/attention.tiles.wgsl', source: tiles }
const FORWARD: Readonly<Record<AttentionDesign, ShaderFile>> = {
  quads: { path: 'shaders/attention.wgsl', source: forward },
  tiles: { path: 'shaders/attention.tiles.wgsl', source: forwardTiles },
}
const BACKWARD: Readonly<Record<AttentionDesign, ShaderFile>> = {
  quads: { path: 'shaders/attention.backward.wgsl', source: backward },
  tiles: { path: 'shaders/attention.backward.tiles.wgsl', source: backwardTiles },
}

export interface AttentionOptions extends KernelOptions {
  /** Columns of one head, a multiple of 4 from 4 to 128. */
  headDim: number
  /** Default `quads` on software adapters, `tiles` on others. */
  design?: AttentionDesign
  /** Of `quads`: share loads through subgroup quads. Default: on software adapters that have subgroups. */
  subgroups?: boolean
}

interface Inputs {
  q: Tensor // (queryRows, numHeads * headDim)
  k: Tensor // (keyRows, numKvHeads * headDim)
  v: Tensor // (keyRows, numKvHeads * headDim)
  /** prefixStart, prefixEnd, ownStart, ownEnd of each query row: disjoint intervals of key rows; see `packing.ts`. */
  ranges: Tensor // u32 (queryRows, 4)
  /** Factor of the scores. Default 1 / sqrt(headDim). */
  scale?: number
  /** Pairs of a query row and a key row it sees, for estimating time only. Default all. */
  pairs?: number
}

/**
 * Attention with grouped heads, in which each query row sees two intervals of key rows:
 * `out = softmax(scale * q k^T) v` (arXiv 2205.14135; grouped heads: arXiv 2305.13245).
 * Query head h uses key head floor(h / (numHeads / numKvHeads)). A row that sees nothing gets zeros, and gives no gradient.
 * Results of a row do not depend on other rows of the batch, but for dk and dv, whose sums run over the rows that see a key.
 */
export interface Attention {
  /** Computes `out` and keeps `lse`, the log of the sum of exponentials (-1e30 for a row that sees nothing). */
  forward(
    args: Inputs & {
      out: Tensor // (queryRows, numHeads * headDim), assigned
      lse: Tensor // (queryRows, numHeads), assigned
    },
  ): void
  /** Gradients to q, k and v. */
  backward(
    args: Inputs & {
      /** First and last + 1 query row that may see each key row; rows between are tested against `ranges`. */
      queryRanges: Tensor // u32 (keyRows, 2)
      out: Tensor // (queryRows, numHeads * headDim)
      lse: Tensor // (queryRows, numHeads)
      dout: Tensor // (queryRows, numHeads * headDim)
      /** Scratch. */
      rows: Tensor // attentionScratchShape(queryRows, numHeads), assigned
      dq: Tensor // (queryRows, numHeads * headDim), assigned
      dk: Tensor // (keyRows, numKvHeads * headDim), assigned
      dv: Tensor // (keyRows, numKvHeads * headDim), assigned
    },
  ): void
}

/** Shape of `rows`, the backward pass's scratch: each query row's ranges, and lse and dout . out by head. */
export function attentionScratchShape(queryRows: number, numHeads: number): readonly [number, number] {
  return [queryRows, 4 + 2 * numHeads]
}

/**
 * Compiles attention for one head size.
 * @throws {ShapeError} unless headDim is a multiple of 4 from 4 to 128.
 * @throws {KernelError} when a shader does not compile.
 */
export async function createAttention(gpu: Gpu, options: AttentionOptions): Promise<Attention> {
  const { headDim } = options
  if (!Number.isInteger(headDim / 4) || headDim < 4 || headDim > 128) {
    throw new ShapeError(`attention: expected headDim to be a multiple of 4 from 4 to 128, got ${headDim}`)
  }
  const { isSoftware, features } = gpu.profile
  const design = options.design ?? (isSoftware ? 'quads' : 'tiles')
  const subgroups = options.subgroups ?? (isSoftware && features.subgroups)
  const { common = [], enable = [] } = quadSpec(gpu, { subgroups })
  const files: Record<AttentionDesign, Pick<KernelSpec, 'common' | 'enable'>> = {
    quads: { common: [BLOCK, ...common, SHARED, QUADS], enable },
    tiles: { common: [SHARED, TILES] },
  }
  const compile = (by: AttentionDesign, shader: ShaderFile, entryPoint: string, label: string) =>
    gpu.kernel({ label, shader, entryPoint, consts: { HEAD_DIM: headDim }, ...files[by] })
  const [attend, prepare, backwardQuery, backwardKey] = await Promise.all([
    compile(design, FORWARD[design], 'forward', 'attention.forward'),
    compile('quads', BACKWARD.quads, 'backward_prepare', 'attention.backwardPrepare'),
    compile(design, BACKWARD[design], 'backward_query', 'attention.backwardQuery'),
    compile(design, BACKWARD[design], 'backward_key', 'attention.backwardKey'),
  ])
  const rowsPerGroup = ROWS_PER_GROUP[design]
  return {
    forward({ q, k, v, ranges, out, lse, scale, pairs }) {
      const sizes = expectInputs(attend.label, { q, k, v, ranges }, headDim)
      expectShape(attend.label, 'out', out, q.shape)
      expectShape(attend.label, 'lse', lse, [sizes.queryRows, sizes.numHeads])
      attend.dispatch(
        { q, k, v, ranges, out, lse },
        paramsOf(sizes, scale ?? headDim ** -0.5),
        queryGrid(sizes, rowsPerGroup),
        costOf(sizes, headDim, 2, pairs),
      )
    },
    backward({ q, k, v, ranges, queryRanges, out, lse, dout, rows, dq, dk, dv, scale, pairs }) {
      const label = 'attention.backward'
      const sizes = expectInputs(label, { q, k, v, ranges }, headDim)
      const { queryRows, keyRows, numHeads, numKvHeads } = sizes
      expectShape(label, 'queryRanges', queryRanges, [keyRows, 2], 'u32')
      expectShape(label, 'out', out, q.shape)
      expectShape(label, 'lse', lse, [queryRows, numHeads])
      expectShape(label, 'dout', dout, q.shape)
      expectShape(label, 'rows', rows, attentionScratchShape(queryRows, numHeads))
      expectShape(label, 'dq', dq, q.shape)
      expectShape(label, 'dk', dk, k.shape)
      expectShape(label, 'dv', dv, v.shape)
      if (Math.max(queryRows, keyRows) > MAX_ROWS) {
        throw new ShapeError(
          `${label}: expected at most ${MAX_ROWS} rows, got ${queryRows} of q and ${keyRows} of k`,
        )
      }
      const params = paramsOf(sizes, scale ?? headDim ** -0.5)
      prepare.dispatch(
        { out, lse, dout, ranges, rows },
        params,
        [Math.ceil((queryRows * numHeads) / PREPARE_PER_GROUP), 1, 1],
        { flops: 2 * out.size, bytes: 2 * out.byteLength + rows.byteLength },
      )
      backwardQuery.dispatch(
        { q, k, v, ranges, dout, rows, dq },
        params,
        queryGrid(sizes, rowsPerGroup),
        costOf(sizes, headDim, 3, pairs),
      )
      backwardKey.dispatch(
        { q, k, v, dout, rows, query_ranges: queryRanges, dk, dv },
        params,
        [Math.ceil(keyRows / rowsPerGroup), numKvHeads, 1],
        costOf(sizes, headDim, 4, pairs),
      )
    },
  }
}

interface Sizes {
  queryRows: number
  keyRows: number
  numHeads: number
  numKvHeads: number
}

function expectInputs(
  label: string,
  { q, k, v, ranges }: Pick<Inputs, 'q' | 'k' | 'v' | 'ranges'>,
  headDim: number,
): Sizes {
  const [queryRows, queryCols] = expectMatrix(label, 'q', q)
  const [keyRows, keyCols] = expectMatrix(label, 'k', k)
  const numHeads = queryCols / headDim
  const numKvHeads = keyCols / headDim
  if (!Number.isInteger(numHeads))
    throw new ShapeError(`${label}: expected q with a multiple of ${headDim} columns, got ${queryCols}`)
  if (!Number.isInteger(numKvHeads))
    throw new ShapeError(`${label}: expected k with a multiple of ${headDim} columns, got ${keyCols}`)
  if (!Number.isInteger(numHeads / numKvHeads))
    throw new ShapeError(
      `${label}: expected a number of heads that ${numKvHeads} key heads divide, got ${numHeads}`,
    )
  expectShape(label, 'v', v, [keyRows, keyCols])
  expectShape(label, 'ranges', ranges, [queryRows, 4], 'u32')
  return { queryRows, keyRows, numHeads, numKvHeads }
}

function paramsOf(sizes: Sizes, scale: number): Record<string, number> {
  return {
    query_rows: sizes.queryRows,
    key_rows: sizes.keyRows,
    num_heads: sizes.numHeads,
    num_kv_heads: sizes.numKvHeads,
    scale,
  }
}

function queryGrid(
  { queryRows, numHeads, numKvHeads }: Sizes,
  rowsPerGroup: number,
): readonly [number, number, number] {
  return [Math.ceil((queryRows * numHeads) / numKvHeads / rowsPerGroup), numKvHeads, 1]
}

/** @param products products of the size (pairs x headDim) a head takes. */
function costOf(sizes: Sizes, headDim: number, products: number, pairs = sizes.queryRows * sizes.keyRows) {
  return {
    flops: 2 * products * pairs * headDim * sizes.numHeads,
    bytes: 4 * headDim * products * (sizes.queryRows * sizes.numHeads + sizes.keyRows * sizes.numKvHeads),
  }
}
