import shared from '../../shaders/common/lora.wgsl?raw'
import thinSubgroup from '../../shaders/common/thin_rows.subgroup.wgsl?raw'
import thinWorkgroup from '../../shaders/common/thin_rows.workgroup.wgsl?raw'
import gradients from '../../shaders/lora.gradients.wgsl?raw'
import products from '../../shaders/lora.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, teamSpec } from './common.ts'
import {
  checkA,
  checkB,
  type LoraDropout,
  type LoraParams,
  loraParams,
  loraPartialShape,
  NO_DROPOUT,
  type RowRange,
} from './lora.calls.ts'
import { randomShader } from './random.ts'

const SHARED: ShaderFile = { path: 'shaders/common/lora.wgsl', source: shared }
const PRODUCTS: ShaderFile = { path: 'shaders/lora.wgsl', source: products }
const GRADIENTS: ShaderFile = { path: 'shaders/lora.gradients.wgsl', source: gradients }
/** Entry points by file. */
const FILES = {
  project: PRODUCTS,
  expand: PRODUCTS,
  merge: PRODUCTS,
  outer: GRADIENTS,
  collect: GRADIENTS,
} as const

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

/** Compiles LoRA. @throws {KernelError} when a shader does not compile. */
export async function createLora(gpu: Gpu, options: KernelOptions = {}): Promise<Lora> {
  const team = teamSpec(gpu, options)
  const thinRows = team.enable
    ? { path: 'shaders/common/thin_rows.subgroup.wgsl', source: thinSubgroup }
    : { path: 'shaders/common/thin_rows.workgroup.wgsl', source: thinWorkgroup }
  // Results do not depend on it: it only keeps every team of a workgroup busy.
  const tilesPerGroup = team.enable ? Math.ceil(64 / Math.max(4, gpu.profile.subgroupSize.min)) : 1
  const compile = (entryPoint: keyof typeof FILES, label: string, dropout = false) =>
    gpu.kernel({
      label: `lora.${label}`,
      shader: FILES[entryPoint],
      entryPoint,
      enable: team.enable ?? [],
      common: [...(team.common ?? []), randomShader, SHARED, thinRows],
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

  function project(kernel: Kernel, wide: Tensor, factor: Tensor, thin: Tensor, p: LoraParams): void {
    const { rank, cols, tokens } = p
    kernel.dispatch(
      { wide, factor, thin_out: thin },
      p.values,
      [Math.ceil(p.octets / tilesPerGroup), Math.ceil(rank / 8), 1],
      { flops: 2 * tokens * cols * rank, bytes: 4 * (tokens * (cols + rank) + cols * rank) },
    )
  }
  function expand(kernel: Kernel, thin: Tensor, factor: Tensor, wide: Tensor, p: LoraParams): void {
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
    p: LoraParams,
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
      const p = loraParams(merge.label, [outRows, cols, rank], [cols, 1], { scale: scaling })
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
