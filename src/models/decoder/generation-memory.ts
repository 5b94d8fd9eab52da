import { bucketOf } from '../../gpu/arena.ts'
import { sizeOf } from '../../gpu/tensor.ts'
import { sampleScratchShape, seenShape } from '../../kernels/sample.ts'
import type { DecoderConfig } from '../config.ts'
import type { AdapterLayout } from './adapter.ts'
import { keptWidths, type MemoryUse, type PlannedBuffer, passWidths } from './planned-buffers.ts'
import { decodeSizes } from './step-tables.ts'

/** What is to be generated at once. */
export interface GenerationSize {
  /** Answers decoded together. */
  readonly answers: number
  /** Tokens of all their different prefixes. */
  readonly prefixTokens: number
  /** Most of them computed at once. Default all. */
  readonly passTokens?: number
  /** Most of those computed at once that are image features. */
  readonly featureRows: number
  readonly maxNewTokens: number
  /** Default 4, as `GeneratorOptions.stride`. */
  readonly stride?: number
  /** The likeliest tokens that are told beside each. Default 0. */
  readonly topLogprobs?: number
  /** Tokens that stand there already are penalised. Default false. */
  readonly isPenalised?: boolean
}

/** The buffers that writing answers takes. */
export function generationBuffers(
  config: DecoderConfig,
  layout: AdapterLayout | undefined,
  size: GenerationSize,
): PlannedBuffer[] {
  const { hiddenSize, numLayers, numKvHeads, headDim, vocabSize } = config
  const { answers, stride = 4, topLogprobs = 0, isPenalised = false } = size
  const { tokens, cacheRows, tableSize } = decodeSizes({ ...size, stride })
  const buffers: PlannedBuffer[] = []
  const add = (use: MemoryUse, label: string, ...shape: readonly number[]): void => {
    buffers.push({ use, label, bytes: 4 * sizeOf(shape) })
  }
  const widths = {
    ...keptWidths(config, layout),
    ...passWidths(config),
    residual0: hiddenSize,
    residual1: hiddenSize,
  }
  for (const [name, width] of Object.entries(widths)) add('activations', name, tokens, width)
  add('activations', 'features', Math.max(1, size.featureRows), hiddenSize)
  for (let table = 0; table < DECODE_TABLES; table++) add('activations', 'table', tableSize)
  for (const name of ['prefixes.last', 'last', 'hidden', 'wanted.x', 'wanted.normed'])
    add('activations', name, answers, hiddenSize)
  add('activations', 'rstd', answers)
  add('activations', 'logits', answers, vocabSize)
  add('activations', 'scores', ...sampleScratchShape(answers, vocabSize))
  if (isPenalised) add('activations', 'seen', ...seenShape(answers, vocabSize))
  for (let i = 0; i < 2 * Math.min(stride, size.maxNewTokens); i++) {
    add('activations', 'drawn', answers)
    if (topLogprobs > 0) add('activations', 'top', answers, topLogprobs)
  }
  for (let i = 0; i < 2 * numLayers; i++) add('cache', `cache${i}`, cacheRows, numKvHeads * headDim)
  return buffers
}

/** ids, featureIndex, positions, ranges, cacheIndex, keys, greedy, prefixOf, and places, index, positions and ranges of last rows. */
const DECODE_TABLES = 12

/** Bytes on the GPU that writing answers takes beside the weights, and those of the largest buffer. */
export function generationBytes(
  config: DecoderConfig,
  layout: AdapterLayout | undefined,
  size: GenerationSize,
): { readonly bytes: number; readonly largestBytes: number } {
  const sizes = generationBuffers(config, layout, size).map(({ bytes }) => bytes)
  const bytes = sizes.reduce((total, n) => total + bucketOf(n), 0)
  return { bytes, largestBytes: Math.max(...sizes) }
}
