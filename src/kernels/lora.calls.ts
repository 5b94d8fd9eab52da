import { ShapeError } from '../gpu/errors.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'

/** Which elements of `x` an adapter's dropout leaves out; the same key leaves out the same in forward and backward. */
export interface LoraDropout {
  /** Share of elements left out, in [0, 1); 0 is no dropout. */
  rate: number
  seed: number
  /** Number of the micro-batch within the run. */
  batch: number
  /** Number of the adapted module within the model. */
  module: number
}

/** Rows an adapter applies to; the others (the reference's, in a batch of both) are neither read nor written. */
export interface RowRange {
  start: number
  /** One past the last row. */
  end: number
}

/** Shape of `xa` and `dxa` for T rows and rank r. */
export function loraThinShape(rows: number, rank: number): readonly [rows: number, paddedRank: number] {
  return [rows, 4 * Math.ceil(rank / 4)]
}

/**
 * Shape of the scratch of `backwardA` (cols = in) and `backwardB` (cols = out): one partial gradient per chunk of rows.
 * The number of chunks follows from the shape alone, so the order of the sum does too.
 */
export function loraPartialShape(
  rows: number,
  rank: number,
  cols: number,
): readonly [chunks: number, rank: number, cols: number] {
  const tiles = Math.ceil(cols / 64) * Math.ceil(rank / 8)
  const wanted = Math.ceil(WORKGROUPS_WANTED / tiles)
  return [4 * Math.min(wanted, Math.ceil(rows / (4 * MIN_CHUNK_ROWS))), rank, cols]
}

/** Enough workgroups of `outer` to fill a large GPU. */
const WORKGROUPS_WANTED = 256
const MIN_CHUNK_ROWS = 32
const MAX_RANK = 256

/** Leaves nothing out. */
export const NO_DROPOUT: LoraDropout = { rate: 0, seed: 0, batch: 0, module: 0 }

/** Half-words out of 65536 that leave an element out: the rate in the resolution it has. */
function loraDropped(rate: number): number {
  return Math.min(65535, Math.round(rate * 65536))
}

/** What a call says beside its tensors. */
interface CallValues {
  rows?: RowRange | undefined
  dropout?: LoraDropout
  scale: number
}

/** What a dispatch needs beside its tensors. */
export interface LoraParams {
  /** Rows in the range. */
  tokens: number
  /** Groups of eight rows the range touches. */
  octets: number
  cols: number
  rank: number
  values: Readonly<Record<string, number>>
}

/** Checks a call that reads A (r, in); undefined when the row range is empty. @throws {ShapeError} naming the tensor. */
export function checkA(
  kernel: string,
  wideName: string,
  wide: Tensor,
  loraA: Tensor,
  thinName: string,
  thin: Tensor,
  call: CallValues,
  factorName = 'loraA',
): LoraParams | undefined {
  const [rows, cols] = expectMatrix(kernel, wideName, wide)
  const [rank] = expectMatrix(kernel, factorName, loraA)
  expectShape(kernel, factorName, loraA, [rank, cols])
  expectShape(kernel, thinName, thin, loraThinShape(rows, rank))
  return loraParams(kernel, [rows, cols, rank], [cols, 1], call)
}

/** Checks a call that reads B (out, r); undefined when the row range is empty. @throws {ShapeError} naming the tensor. */
export function checkB(
  kernel: string,
  wideName: string,
  wide: Tensor,
  loraB: Tensor,
  thinName: string,
  thin: Tensor,
  call: CallValues,
  factorName = 'loraB',
): LoraParams | undefined {
  const [rows, cols] = expectMatrix(kernel, wideName, wide)
  const [, rank] = expectMatrix(kernel, factorName, loraB)
  expectShape(kernel, factorName, loraB, [cols, rank])
  expectShape(kernel, thinName, thin, loraThinShape(rows, rank))
  return loraParams(kernel, [rows, cols, rank], [1, rank], call)
}

/**
 * What a dispatch over `rows` x `cols` with a factor read by two strides needs; undefined when the row range is empty.
 * @throws {ShapeError} for a rank, row range or dropout rate out of range.
 */
export function loraParams(
  kernel: string,
  [rows, cols, rank]: readonly [number, number, number],
  [strideRank, strideWide]: readonly [number, number],
  { rows: range = { start: 0, end: rows }, dropout = NO_DROPOUT, scale }: CallValues,
): LoraParams | undefined {
  const { start, end } = range
  if (rank > MAX_RANK) throw new ShapeError(`${kernel}: expected a rank of 1 to ${MAX_RANK}, got ${rank}`)
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= rows)) {
    throw new ShapeError(`${kernel}: expected a range within rows 0 to ${rows}, got ${start} to ${end}`)
  }
  if (!(dropout.rate >= 0 && dropout.rate < 1)) {
    throw new ShapeError(`${kernel}: expected a dropout rate in [0, 1), got ${dropout.rate}`)
  }
  if (start === end) return undefined
  const dropped = loraDropped(dropout.rate)
  return {
    tokens: end - start,
    octets: Math.ceil(end / 8) - Math.floor(start / 8),
    cols,
    rank,
    values: {
      rows,
      row_start: start,
      row_end: end,
      cols,
      rank,
      stride_rank: strideRank,
      stride_wide: strideWide,
      chunk_rows: 0,
      chunks: 0,
      scale,
      seed: dropout.seed,
      batch: dropout.batch,
      module_id: dropout.module,
      dropped,
      keep_scale: 65536 / (65536 - dropped),
    },
  }
}
