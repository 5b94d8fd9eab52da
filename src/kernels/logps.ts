import source from '../../shaders/logps.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, type KernelOptions, teamSpec } from './common.ts'
import { rowsPerGroup } from './element.ts'
import type { Matmul } from './matmul.ts'
import { GROUP_SIZE, paddedCols, type Weight } from './weight.ts'

/**
 * Vocabulary entries whose logits exist at a time. A multiple of 64, so that every format's rows and scales can be bound
 * from any chunk on. Sums go chunk by chunk: another number would change results in their last digits.
 */
const CHUNK = 4096

/** Fused language-model head over N rows of hidden states (C) and a frozen head weight (V, C). */
export interface Logps {
  /**
   * Log-probability of each row's target under `softmax(logitScale * hidden . weight^T)`, and what TRL reports beside it.
   * A target outside the vocabulary (padding) gets 0 and no gradient.
   */
  forward(args: {
    hidden: Tensor // (N, C)
    weight: Weight // (V, C)
    targets: Tensor // (N) u32
    logps: Tensor // (N), assigned
    lse: Tensor // (N) log-sum-exp of the logits, assigned; the backward pass needs it
    argmax: Tensor // (N) u32, assigned; the first of equals
    entropy: Tensor // (N) in nats, assigned
    meanLogit: Tensor // (N) mean over the vocabulary, assigned
    logits: Tensor // logpsScratchShapes(N, V).logits
    state: Tensor // logpsScratchShapes(N, V).state
    /** Factor on all logits. Default 1. */
    logitScale?: number
  }): void
  /**
   * Gradient to the hidden states, `dlogp * logitScale * (weight_target - sum_v softmax_v weight_v)`; the logits are
   * computed again chunk by chunk.
   */
  backward(args: {
    hidden: Tensor // (N, C)
    weight: Weight // (V, C)
    targets: Tensor // (N) u32
    lse: Tensor // (N)
    dlogps: Tensor // (N)
    dhidden: Tensor // (N, C), assigned
    logits: Tensor // logpsScratchShapes(N, V).logits
    logitScale?: number
  }): void
}

/** Shapes of the scratch tensors for N rows and V entries. */
export function logpsScratchShapes(
  rows: number,
  vocabulary: number,
): Record<'logits' | 'state', readonly number[]> {
  return { logits: [rows, Math.min(CHUNK, vocabulary)], state: [rows, 4] }
}

/**
 * Compiles the fused head.
 * @param matmul products with weights in the head's format; it decides which formats the head may have.
 * @throws {KernelError} when a shader does not compile.
 */
export async function createLogps(gpu: Gpu, matmul: Matmul, options: KernelOptions = {}): Promise<Logps> {
  const group = rowsPerGroup(gpu, options)
  const compile = (entryPoint: string, label: string) =>
    gpu.kernel({
      label,
      shader: { path: 'shaders/logps.wgsl', source },
      entryPoint,
      overrides: { ROWS_PER_GROUP: group },
      ...teamSpec(gpu, options),
    })
  const [reduce, toSlopes] = await Promise.all([
    compile('reduce', 'logps.reduce'),
    compile('to_slopes', 'logps.toSlopes'),
  ])

  /** Computes the logits of one chunk after another; `use` gets them, with the chunk's weight and parameters. */
  function forEachChunk(
    {
      hidden,
      weight,
      logits,
      logitScale,
    }: { hidden: Tensor; weight: Weight; logits: Tensor; logitScale: number },
    use: (chunk: { logits: Tensor; weight: Weight; params: Record<string, number> }) => void,
  ): void {
    const [rows] = hidden.shape as [number]
    const [vocabulary] = weight.shape
    for (let first = 0; first < vocabulary; first += CHUNK) {
      const entries = Math.min(CHUNK, vocabulary - first)
      const chunk = {
        logits: logits.prefix([rows, entries]),
        weight: weightRows(weight, first, entries),
        params: { rows, vocabulary, first_entry: first, entries },
      }
      matmul.forward({ x: hidden, weight: chunk.weight, y: chunk.logits, scale: logitScale })
      use(chunk)
    }
  }

  return {
    forward({
      hidden,
      weight,
      targets,
      logps,
      lse,
      argmax,
      entropy,
      meanLogit,
      logits,
      state,
      logitScale = 1,
    }) {
      const name = 'logps.forward'
      const rows = expectHead(name, hidden, weight, targets, logits)
      for (const [key, tensor] of Object.entries({ logps, lse, entropy, meanLogit }))
        expectShape(name, key, tensor, [rows])
      expectShape(name, 'argmax', argmax, [rows], 'u32')
      expectShape(name, 'state', state, logpsScratchShapes(rows, weight.shape[0]).state)
      forEachChunk({ hidden, weight, logits, logitScale }, (chunk) =>
        reduce.dispatch(
          { logits: chunk.logits, targets, state, logps, argmax, lse, entropy, mean_logit: meanLogit },
          chunk.params,
          [Math.ceil(rows / group), 1, 1],
          { flops: 15 * chunk.logits.size, bytes: 2 * chunk.logits.byteLength },
        ),
      )
    },
    backward({ hidden, weight, targets, lse, dlogps, dhidden, logits, logitScale = 1 }) {
      const name = 'logps.backward'
      const rows = expectHead(name, hidden, weight, targets, logits)
      expectShape(name, 'lse', lse, [rows])
      expectShape(name, 'dlogps', dlogps, [rows])
      expectShape(name, 'dhidden', dhidden, hidden.shape)
      forEachChunk({ hidden, weight, logits, logitScale }, (chunk) => {
        toSlopes.dispatch(
          { slopes: chunk.logits, targets, row_lse: lse, dlogps },
          chunk.params,
          [Math.ceil(rows / group), 1, 1],
          { flops: 12 * chunk.logits.size, bytes: 2 * chunk.logits.byteLength },
        )
        matmul.backwardInput({
          dout: chunk.logits,
          weight: chunk.weight,
          dinp: dhidden,
          scale: logitScale,
          accumulate: chunk.params.first_entry !== 0,
        })
      })
    },
  }
}

/** Checks what both passes take; returns the number of rows. */
function expectHead(name: string, hidden: Tensor, weight: Weight, targets: Tensor, logits: Tensor): number {
  const [rows] = expectMatrix(name, 'hidden', hidden)
  const [vocabulary, weightCols] = weight.shape
  expectShape(name, 'hidden', hidden, [rows, weightCols])
  expectShape(name, 'targets', targets, [rows], 'u32')
  expectShape(name, 'logits', logits, logpsScratchShapes(rows, vocabulary).logits)
  return rows
}

/** Rows `first .. first + count` of a weight as a weight of its own; `first` is a multiple of CHUNK. */
function weightRows({ format, shape, data, scales }: Weight, first: number, count: number): Weight {
  const [rows, cols] = shape
  const stride = data.size / rows
  const part = ({ buffer, dtype, byteOffset }: Tensor, words: number, wordsPerRow: number): Tensor =>
    new Tensor(buffer, [words], dtype, byteOffset + 4 * wordsPerRow * first)
  const rowsData = part(data, stride * count, stride)
  const own = { format, shape: [count, cols] as const }
  if (format === 'f32') return { ...own, data: rowsData.reshape([count, stride]) }
  if (!scales) return { ...own, data: rowsData }
  // Two f16 scales share a word, so that a row of an odd number of groups has half words.
  const scaleWords = paddedCols(format, cols) / GROUP_SIZE / (scales.format === 'f16' ? 2 : 1)
  const scalesData = part(scales.data, Math.ceil(scaleWords * count), scaleWords)
  return { ...own, data: rowsData, scales: { format: scales.format, data: scalesData } }
}
