import thinSubgroup from '../../shaders/common/thin_rows.subgroup.wgsl?raw'
import thinWorkgroup from '../../shaders/common/thin_rows.workgroup.wgsl?raw'
import source from '../../shaders/lora.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, teamSpec } from './common.ts'
import { randomShader } from './random.ts'

/** Which elements of `x` an adapter's dropout leaves out; the same key leaves out the same in forward and backward. */
export interface LoraDropout {
  /** Share of elements left out, in [0, 1); 0 is no dropout. */
  rate: number
  seed: number
  step: number
  /** Number of the adapted module within the model. */
  module: number
}

/** Rows an adapter applies to; the others (the reference's, in a batch of both) are neither read nor written. */
export interface RowRange {
  start: number
  /** One past the last row. */
  end: number
}

/** Arguments every function of `Lora` on activations takes. */
export interface LoraCall {
  /** Default all rows. */
  rows?: RowRange | undefined
}

interface LoraInputCall extends LoraCall {
  /** Default none. */
  dropout?: LoraDropout | undefined
}

/**
 * Low-rank adaptation of one linear layer: `y += scaling * (dropout(x) A^T) B^T` (arXiv 2106.09685).
 * Thin tensors have the shape `loraThinShape` gives: (T, r) with r rounded up to a multiple of 4.
 */
export interface Lora {
  /** `xa = dropout(x) A^T`, kept for the backward pass. */
  down(
    args: LoraInputCall & {
      x: Tensor // (T, in)
      loraA: Tensor // (r, in)
      xa: Tensor // loraThinShape(T, r), assigned
    },
  ): void
  /** `y += scaling * xa B^T`. */
  up(
    args: LoraCall & {
      xa: Tensor // loraThinShape(T, r)
      loraB: Tensor // (out, r)
      y: Tensor // (T, out), accumulated
      scaling: number
    },
  ): void
  /** `dxa = scaling * dout B`. */
  backwardXa(
    args: LoraCall & {
      dout: Tensor // (T, out)
      loraB: Tensor // (out, r)
      dxa: Tensor // loraThinShape(T, r), assigned
      scaling: number
    },
  ): void
  /** `dB += scaling * dout^T xa`. */
  backwardB(
    args: LoraCall & {
      dout: Tensor // (T, out)
      xa: Tensor // loraThinShape(T, r)
      dloraB: Tensor // (out, r), accumulated
      partial: Tensor // loraPartialShape(T, r, out), scratch
      scaling: number
    },
  ): void
  /** `dA += dxa^T dropout(x)`. */
  backwardA(
    args: LoraInputCall & {
      x: Tensor // (T, in)
      dxa: Tensor // loraThinShape(T, r)
      dloraA: Tensor // (r, in), accumulated
      partial: Tensor // loraPartialShape(T, r, in), scratch
    },
  ): void
  /** `dx += dropout(dxa A)`, beside the frozen layer's own `dout W`. */
  backwardX(
    args: LoraInputCall & {
      dxa: Tensor // loraThinShape(T, r)
      loraA: Tensor // (r, in)
      dx: Tensor // (T, in), accumulated
    },
  ): void
  /** `W += scaling * B A`; a second call with `-scaling` unmerges, but for rounding. */
  merge(args: {
    weight: Tensor // (out, in), accumulated
    loraA: Tensor // (r, in)
    loraB: Tensor // (out, r)
    scaling: number
  }): void
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

const NO_DROPOUT: LoraDropout = { rate: 0, seed: 0, step: 0, module: 0 }

/** Compiles LoRA. @throws {KernelError} when a shader does not compile. */
export async function createLora(gpu: Gpu, options: KernelOptions = {}): Promise<Lora> {
  const team = teamSpec(gpu, options)
  const thinRows = team.enable
    ? { path: 'shaders/common/thin_rows.subgroup.wgsl', source: thinSubgroup }
    : { path: 'shaders/common/thin_rows.workgroup.wgsl', source: thinWorkgroup }
  // Results do not depend on it: it only keeps every team of a workgroup busy.
  const tilesPerGroup = team.enable ? Math.ceil(64 / Math.max(4, gpu.profile.subgroupSize.min)) : 1
  const compile = (entryPoint: string, label: string, dropout = false) =>
    gpu.kernel({
      label: `lora.${label}`,
      shader: { path: 'shaders/lora.wgsl', source },
      entryPoint,
      enable: team.enable ?? [],
      common: [...(team.common ?? []), thinRows, randomShader],
      consts: { TILES_PER_GROUP: tilesPerGroup },
      overrides: { DROPOUT: Number(dropout) },
    })
  const [down, downDropout, up, backwardXa, backwardB, collectB] = await Promise.all([
    compile('project', 'down'),
    compile('project', 'down.dropout', true),
    compile('expand', 'up'),
    compile('project', 'backwardXa'),
    compile('outer', 'backwardB'),
    compile('collect', 'backwardB.collect'),
  ])
  const [backwardA, backwardADropout, collectA, backwardX, backwardXDropout, merge, mergeOdd] =
    await Promise.all([
      compile('outer', 'backwardA'),
      compile('outer', 'backwardA.dropout', true),
      compile('collect', 'backwardA.collect'),
      compile('expand', 'backwardX'),
      compile('expand', 'backwardX.dropout', true),
      compile('expand', 'merge'),
      compile('merge', 'merge.odd'),
    ])
  type Kernel = typeof down

  function project(kernel: Kernel, wide: Tensor, factor: Tensor, thin: Tensor, p: Params): void {
    const { rank, cols, tokens } = p
    kernel.dispatch(
      { wide, factor, thin_out: thin },
      p.values,
      [Math.ceil(p.octets / tilesPerGroup), Math.ceil(rank / 8), 1],
      { flops: 2 * tokens * cols * rank, bytes: 4 * (tokens * (cols + rank) + cols * rank) },
    )
  }
  function expand(kernel: Kernel, thin: Tensor, factor: Tensor, wide: Tensor, p: Params): void {
    const { rank, cols, tokens } = p
    kernel.dispatch(
      { thin, factor, wide_out: wide },
      p.values,
      [Math.ceil(cols / 64), Math.ceil(p.octets / 4), 1],
      { flops: 2 * tokens * cols * rank, bytes: 4 * (tokens * (2 * cols + rank) + cols * rank) },
    )
  }
  function outer(
    kernels: readonly [outer: Kernel, collect: Kernel],
    tensors: { wide: Tensor; thin: Tensor; partial: Tensor; total: Tensor },
    p: Params,
    scale: number,
  ): void {
    const { rank, cols, tokens } = p
    const { wide, thin, partial, total } = tensors
    const shape = loraPartialShape(thin.shape[0] ?? 0, rank, cols)
    expectShape(kernels[0].label, 'partial', partial, shape)
    const chunks = shape[0]
    const values = {
      ...p.values,
      scale,
      chunks,
      chunk_rows: 8 * Math.ceil(p.octets / chunks),
    }
    kernels[0].dispatch(
      { wide, thin, partial },
      values,
      [Math.ceil(cols / 64), Math.ceil(rank / 8), Math.ceil(chunks / 4)],
      { flops: 2 * tokens * cols * rank, bytes: 4 * (tokens * (cols + rank) + partial.size) },
    )
    kernels[1].dispatch({ partial, total }, values, [Math.ceil((cols * rank) / 64), 1, 1], {
      flops: partial.size,
      bytes: partial.byteLength + 2 * total.byteLength,
    })
  }

  return {
    down({ x, loraA, xa, rows, dropout = NO_DROPOUT }) {
      const kernel = dropout.rate > 0 ? downDropout : down
      const p = checkA(kernel.label, 'x', x, loraA, 'xa', xa, { rows, dropout, scale: 1 })
      if (p) project(kernel, x, loraA, xa, p)
    },
    up({ xa, loraB, y, scaling, rows }) {
      const p = checkB(up.label, 'y', y, loraB, 'xa', xa, { rows, scale: scaling })
      if (p) expand(up, xa, loraB, y, p)
    },
    backwardXa({ dout, loraB, dxa, scaling, rows }) {
      const p = checkB(backwardXa.label, 'dout', dout, loraB, 'dxa', dxa, { rows, scale: scaling })
      if (p) project(backwardXa, dout, loraB, dxa, p)
    },
    backwardB({ dout, xa, dloraB, partial, scaling, rows }) {
      const p = checkB(backwardB.label, 'dout', dout, dloraB, 'xa', xa, { rows, scale: 1 }, 'dloraB')
      if (p) outer([backwardB, collectB], { wide: dout, thin: xa, partial, total: dloraB }, p, scaling)
    },
    backwardA({ x, dxa, dloraA, partial, rows, dropout = NO_DROPOUT }) {
      const kernel = dropout.rate > 0 ? backwardADropout : backwardA
      const p = checkA(kernel.label, 'x', x, dloraA, 'dxa', dxa, { rows, dropout, scale: 1 }, 'dloraA')
      if (p) outer([kernel, collectA], { wide: x, thin: dxa, partial, total: dloraA }, p, 1)
    },
    backwardX({ dxa, loraA, dx, rows, dropout = NO_DROPOUT }) {
      const kernel = dropout.rate > 0 ? backwardXDropout : backwardX
      const p = checkA(kernel.label, 'dx', dx, loraA, 'dxa', dxa, { rows, dropout, scale: 1 })
      if (p) expand(kernel, dxa, loraA, dx, p)
    },
    merge({ weight, loraA, loraB, scaling }) {
      const [rank, cols] = expectMatrix(merge.label, 'loraA', loraA)
      const [outRows] = expectMatrix(merge.label, 'weight', weight)
      expectShape(merge.label, 'weight', weight, [outRows, cols])
      expectShape(merge.label, 'loraB', loraB, [outRows, rank])
      const p = params(merge.label, [outRows, cols, rank], [cols, 1], { scale: scaling })
      if (!p) return
      if (rank % 4 === 0) {
        expand(merge, loraB, loraA, weight, p)
      } else {
        mergeOdd.dispatch(
          { factor: loraA, lora_b: loraB, wide_out: weight },
          p.values,
          [Math.ceil(cols / 64), Math.ceil(outRows / 16), 1],
          { flops: 2 * outRows * cols * rank, bytes: 2 * weight.byteLength + 4 * rank * (outRows + cols) },
        )
      }
    },
  }
}

/** Half-words out of 65536 that leave an element out: the rate in the resolution it has. */
export function loraDropped(rate: number): number {
  return Math.min(65535, Math.round(rate * 65536))
}

interface CallValues {
  rows?: RowRange | undefined
  dropout?: LoraDropout
  scale: number
}

/** What a dispatch needs beside its tensors. */
interface Params {
  /** Rows in the range. */
  tokens: number
  /** Groups of eight rows the range touches. */
  octets: number
  cols: number
  rank: number
  values: Readonly<Record<string, number>>
}

/** Checks a call that reads A (r, in); undefined when the row range is empty. */
function checkA(
  kernel: string,
  wideName: string,
  wide: Tensor,
  loraA: Tensor,
  thinName: string,
  thin: Tensor,
  call: CallValues,
  factorName = 'loraA',
): Params | undefined {
  const [rows, cols] = expectMatrix(kernel, wideName, wide)
  const [rank] = expectMatrix(kernel, factorName, loraA)
  expectShape(kernel, factorName, loraA, [rank, cols])
  expectShape(kernel, thinName, thin, loraThinShape(rows, rank))
  return params(kernel, [rows, cols, rank], [cols, 1], call)
}

/** Checks a call that reads B (out, r); undefined when the row range is empty. */
function checkB(
  kernel: string,
  wideName: string,
  wide: Tensor,
  loraB: Tensor,
  thinName: string,
  thin: Tensor,
  call: CallValues,
  factorName = 'loraB',
): Params | undefined {
  const [rows, cols] = expectMatrix(kernel, wideName, wide)
  const [, rank] = expectMatrix(kernel, factorName, loraB)
  expectShape(kernel, factorName, loraB, [cols, rank])
  expectShape(kernel, thinName, thin, loraThinShape(rows, rank))
  return params(kernel, [rows, cols, rank], [1, rank], call)
}

function params(
  kernel: string,
  [rows, cols, rank]: readonly [number, number, number],
  [strideRank, strideWide]: readonly [number, number],
  { rows: range = { start: 0, end: rows }, dropout = NO_DROPOUT, scale }: CallValues,
): Params | undefined {
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
      step: dropout.step,
      module_id: dropout.module,
      dropped,
      keep_scale: 65536 / (65536 - dropped),
    },
  }
}
