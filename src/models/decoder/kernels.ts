import type { Autotuner } from '../../gpu/autotune.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { type Attention, createAttention } from '../../kernels/attention.ts'
import { createDecodeAttention, type DecodeAttention } from '../../kernels/decode-attention.ts'
import { createElementwise, type Elementwise } from '../../kernels/elementwise.ts'
import { createEmbedding, type Embedding } from '../../kernels/embedding.ts'
import { createLogps, type Logps } from '../../kernels/logps.ts'
import { createLora, type Lora } from '../../kernels/lora.ts'
import { createMatmul, type Matmul } from '../../kernels/matmul.ts'
import { createRmsNorm, type RmsNorm } from '../../kernels/rmsnorm.ts'
import { createRope, type Rope } from '../../kernels/rope.ts'
import { createRows, type Rows } from '../../kernels/rows.ts'
import { createSwiGlu, type SwiGlu } from '../../kernels/swiglu.ts'
import type { WeightFormat } from '../../kernels/weight.ts'
import type { DecoderConfig } from '../config.ts'

/** The compiled kernels a decoder is made of. */
export interface DecoderKernels {
  readonly attention: Attention
  readonly decodeAttention: DecodeAttention
  readonly elementwise: Elementwise
  readonly embedding: Embedding
  readonly logps: Logps
  readonly lora: Lora
  readonly matmul: Matmul
  readonly rmsnorm: RmsNorm
  readonly rope: Rope
  readonly rows: Rows
  readonly swiglu: SwiGlu
}

/**
 * Compiles a decoder's kernels for one weight format.
 * @param tuner chooses among designs by timing them; without one a fixed choice by kind of adapter.
 * @throws {KernelError} when a shader does not compile.
 */
export async function createDecoderKernels(
  gpu: Gpu,
  config: DecoderConfig,
  format: WeightFormat,
  tuner?: Autotuner,
): Promise<DecoderKernels> {
  const matmul = await createMatmul(gpu, { format, ...(tuner ? { tuner } : {}) })
  const [attention, decodeAttention, elementwise, embedding, logps, lora, rmsnorm, rope, rows, swiglu] =
    await Promise.all([
      createAttention(gpu, { headDim: config.headDim }),
      createDecodeAttention(gpu, { headDim: config.headDim, groupSize: config.numHeads / config.numKvHeads }),
      createElementwise(gpu),
      createEmbedding(gpu, { format }),
      createLogps(gpu, matmul),
      createLora(gpu),
      createRmsNorm(gpu),
      createRope(gpu),
      createRows(gpu),
      createSwiGlu(gpu),
    ])
  return {
    attention,
    decodeAttention,
    elementwise,
    embedding,
    logps,
    lora,
    matmul,
    rmsnorm,
    rope,
    rows,
    swiglu,
  }
}
