import type { LoraConfig } from '../../data/peft.ts'
import { bucketOf } from '../../gpu/arena.ts'
import { sizeOf } from '../../gpu/tensor.ts'
import { gradNormScratchShape } from '../../kernels/adamw.ts'
import { attentionScratchShape } from '../../kernels/attention.ts'
import { logpsScratchShapes } from '../../kernels/logps.ts'
import { loraPartialShape } from '../../kernels/lora.calls.ts'
import { preferenceScratchShape } from '../../kernels/preference.ts'
import { GROUP_SIZE, paddedCols, type WeightFormat, weightWords } from '../../kernels/weight.ts'
import type { DecoderConfig, ModelConfig } from '../config.ts'
import { type AdapterLayout, adapterLayout } from './adapter.ts'
import { type GenerationSize, generationBuffers } from './generation-memory.ts'
import {
  adaptedNames,
  keptWidths,
  MEMORY_USES,
  type MemoryUse,
  type PlannedBuffer,
  passWidths,
  thinWidth,
} from './planned-buffers.ts'
import { positionsOf } from './positions.ts'
import { hasBias, LINEAR_NAMES, linearShape } from './tensor-names.ts'
import { sliceRows } from './weight-loader.ts'
import type { BatchRows } from './workspace.ts'

/**
 * Whether each layer is computed again in the backward pass instead of being kept: the same numbers for less memory and more
 * time. "auto" does it where the rest would not fit (`planWithin`).
 */
export type Recompute = boolean | 'auto'

/** What a session is going to do with a model. */
export interface MemoryRequest {
  readonly format: WeightFormat
  /** Bytes of an element in the checkpoint. Default 4: what staging needs at most. */
  readonly sourceBytes?: 2 | 4
  /** The checkpoint has a head beside the embedding, which is then kept. Default by the config. */
  readonly ownHead?: boolean
  /** Positions of the RoPE table. Default as `positionsOf`. */
  readonly maxPositions?: number
  /** The adapter that is trained, or used while generating. */
  readonly lora?: LoraConfig
  /** Rows of the largest batch trained on; none for no training. */
  readonly train?: {
    readonly rows: BatchRows
    readonly recompute: Recompute
    readonly gradientAccumulationSteps?: number
  }
  readonly generate?: GenerationSize
}

/** The buffers a request will take, by use. */
export interface MemoryPlan {
  readonly bytes: Readonly<Record<MemoryUse, number>>
  /** Most bytes at any time: staging is freed once the weights are loaded, before anything else is made. */
  readonly peakBytes: number
  readonly largest: { readonly label: string; readonly bytes: number }
  /** Training computes each layer again in the backward pass. */
  readonly recompute: boolean
}

/** Counts what loading, training and generating will allocate, before any of it is done; "auto" counts as no recompute. */
export function planMemory(model: ModelConfig, request: MemoryRequest): MemoryPlan {
  const layout = request.lora && adapterLayout(model, request.lora)
  const buffers = [
    ...weightBuffers(model.decoder, request),
    ...(layout ? adapterBuffers(layout, request) : []),
    ...(request.train ? trainingBuffers(model.decoder, layout, request.train) : []),
    ...(request.generate ? generationBuffers(model.decoder, layout, request.generate) : []),
  ]
  const bytes: Record<MemoryUse, number> = {
    weights: 0,
    activations: 0,
    optimiser: 0,
    cache: 0,
    staging: 0,
  }
  let largest = { label: 'nothing', bytes: 0 }
  for (const buffer of buffers) {
    bytes[buffer.use] += bucketOf(buffer.bytes)
    if (buffer.bytes > largest.bytes) largest = { label: buffer.label, bytes: buffer.bytes }
  }
  const running = bytes.activations + bytes.optimiser + bytes.cache
  const peakBytes = bytes.weights + Math.max(running, bytes.staging)
  return { bytes, peakBytes, largest, recompute: request.train?.recompute === true }
}

/** The plan as a table of text, a use a line. */
export function formatMemoryPlan({ bytes, peakBytes, largest, recompute }: MemoryPlan): string {
  const notes: Partial<Record<MemoryUse, string>> = {
    staging: '  while loading only',
    ...(recompute ? { activations: '  with layers computed twice' } : {}),
  }
  const line = (name: string, n: number, note = ''): string =>
    `${name.padEnd(14)}${megabytes(n).padStart(12)}${note}`
  return [
    ...MEMORY_USES.map((use) => line(use, bytes[use], notes[use])),
    line('peak', peakBytes, `  largest buffer: ${largest.label}, ${megabytes(largest.bytes)}`),
  ].join('\n')
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

function weightBuffers(config: DecoderConfig, request: MemoryRequest): PlannedBuffer[] {
  const { format, sourceBytes = 4 } = request
  const { hiddenSize, vocabSize, headDim } = config
  const buffers: PlannedBuffer[] = []
  let staging = 0
  const vector = (label: string, size: number): void => {
    buffers.push({ use: 'weights', label, bytes: 4 * size })
  }
  const matrix = (label: string, rows: number, cols: number): void => {
    buffers.push({ use: 'weights', label, bytes: 4 * weightWords(format, rows, cols) })
    const groups = (rows * paddedCols(format, cols)) / GROUP_SIZE
    if (format === 'int8' || format === 'int4') vector(`${label}.scales`, Math.ceil(groups / 2))
    const rowBytes = cols * sourceBytes
    staging = Math.max(staging, Math.min(rows, sliceRows(rowBytes)) * rowBytes)
  }
  matrix('embed_tokens', vocabSize, hiddenSize)
  if (request.ownHead ?? !config.tieWordEmbeddings) matrix('lm_head', vocabSize, hiddenSize)
  for (let i = 0; i < config.numLayers; i++) {
    for (const name of LINEAR_NAMES) {
      const [out, inp] = linearShape(config, name)
      matrix(`layers.${i}.${name}`, out, inp)
      if (hasBias(config, name)) vector(`layers.${i}.${name}.bias`, out)
    }
    vector(`layers.${i}.norm`, hiddenSize)
    vector(`layers.${i}.norm`, hiddenSize)
    if (config.qkNorm) {
      vector(`layers.${i}.qNorm`, headDim)
      vector(`layers.${i}.kNorm`, headDim)
    }
  }
  vector('norm', hiddenSize)
  vector('rope.table', positionsOf(config, request.maxPositions) * headDim)
  buffers.push({ use: 'staging', label: 'weights.slice', bytes: staging })
  return buffers
}

/** Parameters, while training gradients and moments, and the copy that answers meanwhile are written with. */
function adapterBuffers(layout: AdapterLayout, { train, generate }: MemoryRequest): PlannedBuffer[] {
  const buffer = (label: string, bytes: number): PlannedBuffer => ({ use: 'optimiser', label, bytes })
  const params = buffer('adapter.params', 4 * layout.size)
  if (!train) return [params]
  return [
    params,
    ...['grads', 'expAvg', 'expAvgSq', ...(generate ? ['copy'] : [])].map((name) =>
      buffer(`adapter.${name}`, 4 * layout.size),
    ),
    buffer('trainer.metrics', 256 * (train.gradientAccumulationSteps ?? 1)),
    buffer('trainer.norm', 12),
    buffer('trainer.normPartials', 4 * sizeOf(gradNormScratchShape([{ size: layout.size }]))),
  ]
}

function trainingBuffers(
  config: DecoderConfig,
  layout: AdapterLayout | undefined,
  { rows, recompute }: NonNullable<MemoryRequest['train']>,
): PlannedBuffer[] {
  const { hiddenSize, intermediateSize, numLayers, numHeads, numKvHeads, headDim, qkNorm, vocabSize } = config
  const { tokens, answers, sequences } = rows
  const [queryCols, keyCols] = [numHeads * headDim, numKvHeads * headDim]
  const buffers: PlannedBuffer[] = []
  const add = (label: string, ...shape: readonly number[]): void => {
    buffers.push({ use: 'activations', label, bytes: 4 * sizeOf(shape) })
  }
  for (let i = 0; i < (recompute === true ? 1 : numLayers); i++) {
    for (const [name, width] of Object.entries(keptWidths(config, layout)))
      add(`layer${i}.${name}`, tokens, width)
  }
  for (let i = 0; i <= numLayers; i++) add(`residual.${i}`, tokens, hiddenSize)
  const perToken: Record<string, number> = {
    ...passWidths(config),
    positions: 1,
    ranges: 4,
    queryRanges: 2,
    ids: 1,
    featureIndex: 1,
    dx: hiddenSize,
    dnormed: hiddenSize,
    dactivated: intermediateSize,
    dgate: intermediateSize,
    dup: intermediateSize,
    dattended: queryCols,
    dq: queryCols,
    dk: keyCols,
    dv: keyCols,
    dkLinear: keyCols,
    ...(qkNorm ? { 'head.dnormed': queryCols } : {}),
    ...(layout ? { dxa: thinWidth(layout) } : {}),
  }
  for (const [name, width] of Object.entries(perToken)) add(name, tokens, width)
  add('attention.rows', ...attentionScratchShape(tokens, numHeads))
  add('predicted.offsets', tokens + 1)
  add('batch.features', Math.max(1, rows.features), hiddenSize)
  for (const cols of partialCols(config, layout))
    add(`lora.partial.${cols}`, ...loraPartialShape(tokens, layout?.config.r ?? 0, cols))
  for (const name of ['gathered', 'hidden', 'dhidden', 'dgathered']) add(name, answers, hiddenSize)
  for (const name of PER_ANSWER_TOKEN) add(name, answers)
  for (const shape of Object.values(logpsScratchShapes(answers, vocabSize))) add('head', ...shape)
  add('offsets', sequences + 1)
  for (const width of [1, 1, 1, 1, 0.5, 3]) add('pairs', sequences, width)
  add('pairs.scratch', ...preferenceScratchShape(sequences / 2))
  return buffers
}

const PER_ANSWER_TOKEN = [
  'answerRows',
  'targets',
  'predicted.order',
  'rstd',
  'logps',
  'entropy',
  'meanLogit',
  'argmax',
  'lse',
  'dlogps',
]

/** Widths on either side of an adapted layer. */
function partialCols(config: DecoderConfig, layout: AdapterLayout | undefined): Set<number> {
  return new Set(
    LINEAR_NAMES.filter((name) => adaptedNames(layout).has(name)).flatMap((name) =>
      linearShape(config, name),
    ),
  )
}
