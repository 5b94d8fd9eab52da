import type { Autotuner } from '../gpu/autotune.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions } from './common.ts'
import type { MatmulDesign, RowBucket } from './matmul.designs.ts'
import { createProduct, type ProductOptions } from './matmul.product.ts'
import {
  allocateWeight,
  expectWeight,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
  weightFiles,
  weightQuads,
  weightTensors,
} from './weight.ts'

export interface MatmulOptions extends KernelOptions {
  /** Chooses among designs that give the same bits on this adapter by timing them; default a fixed choice by kind of adapter. */
  tuner?: Autotuner
  /** One design for all shapes; default chosen. */
  design?: MatmulDesign
}

/** What may follow a product: `out = scale * product`, or `out += scale * product`. */
interface Ending {
  /** Default 1. */
  scale?: number
  /** Default false: assign. */
  accumulate?: boolean
}

/** A linear layer with a frozen weight, `y = x W^T + b`, and the gradient to its input. W is dequantised inside the kernel. */
export interface Matmul {
  /** `y = scale * x W^T + bias`, or `y += ...`. */
  forward(
    args: Ending & {
      x: Tensor // (M, K)
      weight: Weight // (N, K)
      bias?: Tensor | undefined // (N), default none; not scaled
      y: Tensor // (M, N), assigned or accumulated
    },
  ): void
  /** `dinp = scale * dout W`, or `dinp += ...`. */
  backwardInput(
    args: Ending & {
      dout: Tensor // (M, N)
      weight: Weight // (N, K)
      dinp: Tensor // (M, K), assigned or accumulated
    },
  ): void
  /** Designs in use by layout and number of rows; of those a tuner chose none changes a bit of its trial's result. */
  readonly tuning: Readonly<Record<string, Readonly<Record<RowBucket, MatmulDesign>>>>
}

/** Gradient of a linear layer's own weight; that of its bias is `Reduce.columnSum` of dout. */
export interface MatmulGradient {
  /** `dweight += scale * dout^T x`. */
  backwardWeight(args: {
    dout: Tensor // (M, N)
    x: Tensor // (M, K)
    dweight: Tensor // (N, K), accumulated
    scale?: number // default 1
  }): void
  readonly tuning: Matmul['tuning']
}

/**
 * Compiles the products with weights of one format.
 * @throws {KernelError} when a shader does not compile.
 */
export async function createMatmul(
  gpu: Gpu,
  options: MatmulOptions & {
    /** Default f32. */
    format?: WeightFormat
    /** Of int8 and int4 weights; default f16. */
    scaleFormat?: ScaleFormat
  } = {},
): Promise<Matmul> {
  const { format = 'f32', scaleFormat = 'f16' } = options
  const weight = {
    files: weightFiles(format, scaleFormat),
    sample: (rows: number, cols: number) =>
      weightTensors(allocateWeight(gpu, format, rows, cols, 'matmul trial', scaleFormat)),
  }
  const layout = { weight, leftTransposed: false, format: `${format}.${scaleFormat}` }
  const product = productOptions(gpu, options)
  const [forward, backwardInput] = await Promise.all([
    createProduct(gpu, { ...layout, label: 'matmul.forward', rightTransposed: false }, product),
    createProduct(gpu, { ...layout, label: 'matmul.backwardInput', rightTransposed: true }, product),
  ])
  return {
    tuning: { forward: forward.designs, backwardInput: backwardInput.designs },
    forward({ x, weight, bias, y, scale = 1, accumulate = false }) {
      const name = 'matmul.forward'
      const [rows, inner] = expectMatrix(name, 'x', x)
      const [outer] = weight.shape
      expectWeight(name, weight, [outer, inner], format, scaleFormat)
      expectShape(name, 'y', y, [rows, outer])
      if (bias) expectShape(name, 'bias', bias, [outer])
      forward.record(
        { left: x, ...weightTensors(weight), bias: bias ?? x, out: y },
        {
          rows,
          cols: outer,
          steps: inner,
          left_cols: inner,
          right_quads: weightQuads(weight),
          has_bias: bias ? 1 : 0,
          accumulate: accumulate ? 1 : 0,
          scale,
        },
        { leftCols: inner, rightCols: inner },
        x.byteLength + weight.data.byteLength + y.byteLength,
      )
    },
    backwardInput({ dout, weight, dinp, scale = 1, accumulate = false }) {
      const name = 'matmul.backwardInput'
      const [rows, outer] = expectMatrix(name, 'dout', dout)
      const [, inner] = weight.shape
      expectWeight(name, weight, [outer, inner], format, scaleFormat)
      expectShape(name, 'dinp', dinp, [rows, inner])
      backwardInput.record(
        { left: dout, ...weightTensors(weight), bias: dout, out: dinp },
        {
          rows,
          cols: inner,
          steps: outer,
          left_cols: outer,
          right_quads: weightQuads(weight),
          has_bias: 0,
          accumulate: accumulate ? 1 : 0,
          scale,
        },
        { leftCols: outer, rightCols: inner },
        dout.byteLength + weight.data.byteLength + dinp.byteLength,
      )
    },
  }
}

/** Compiles the gradient of the weight. @throws {KernelError} when a shader does not compile. */
export async function createMatmulGradient(gpu: Gpu, options: MatmulOptions = {}): Promise<MatmulGradient> {
  const product = await createProduct(
    gpu,
    { label: 'matmul.backwardWeight', leftTransposed: true, rightTransposed: true, format: 'f32' },
    productOptions(gpu, options),
  )
  return {
    tuning: { backwardWeight: product.designs },
    backwardWeight({ dout, x, dweight, scale = 1 }) {
      const name = 'matmul.backwardWeight'
      const [rows, outer] = expectMatrix(name, 'dout', dout)
      const [, inner] = expectMatrix(name, 'x', x)
      expectShape(name, 'x', x, [rows, inner])
      expectShape(name, 'dweight', dweight, [outer, inner])
      product.record(
        { left: dout, right: x, bias: dout, out: dweight },
        {
          rows: outer,
          cols: inner,
          steps: rows,
          left_cols: outer,
          right_quads: Math.ceil(inner / 4), // used only where rows are whole vec4s
          has_bias: 0,
          accumulate: 1,
          scale,
        },
        { leftCols: outer, rightCols: inner },
        dout.byteLength + x.byteLength + 2 * dweight.byteLength,
      )
    },
  }
}

function productOptions(gpu: Gpu, options: MatmulOptions): ProductOptions {
  return {
    subgroups: options.subgroups ?? gpu.profile.features.subgroups,
    tuner: options.tuner,
    design: options.design,
  }
}
