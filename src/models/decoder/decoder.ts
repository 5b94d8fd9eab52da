import type { Autotuner } from '../../gpu/autotune.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { logpsScratchShapes } from '../../kernels/logps.ts'
import { ropeTable } from '../../kernels/rope-table.ts'
import type { DecoderConfig } from '../config.ts'
import { ropeFrequencies } from '../rope-parameters.ts'
import type { AdapterTensors } from './adapter.ts'
import { BatchError, type PackedBatch, type PredictingRows, predictingRows } from './batch.ts'
import { createDecoderKernels, type DecoderKernels } from './kernels.ts'
import { type AttentionTables, type KeyValueCache, LayerRunner, type WantedRows } from './layer.ts'
import type { ActiveAdapter } from './linear.ts'
import { positionsOf } from './positions.ts'
import { type DecoderWeights, releaseDecoderWeights } from './weights.ts'
import { type BatchRows, Workspace } from './workspace.ts'

/** What the head gives for every answer token of a batch. */
export interface AnswerTokens {
  readonly logps: Tensor // (N)
  readonly entropy: Tensor // (N)
  readonly meanLogit: Tensor // (N)
  readonly argmax: Tensor // (N), u32
  readonly targets: Tensor // (N), u32
}

/** Rows of tokens as the layers take them. */
export interface TokenRows {
  readonly tables: AttentionTables
  readonly ids: Tensor // (T), u32
  /** Used where there are features: the feature row that replaces each token, `NO_ROW` for words. */
  readonly featureIndex: Tensor // (T), u32
  readonly features: Tensor | undefined // (F, hiddenSize)
}

/** A batch whose tables are on the GPU, in the workspace's buffers until the next one. */
export interface StagedBatch extends TokenRows {
  readonly rows: BatchRows
  /** The row of the last layer's result from which each answer token is predicted. */
  readonly answerRows: Tensor // (N), u32
  readonly targets: Tensor // (N), u32
  readonly offsets: Tensor // (S + 1), u32
  readonly predicted: { readonly offsets: Tensor; readonly order: Tensor }
  /** The rows that predict, where the last layer is to compute these alone. */
  readonly wanted?: WantedRows
}

export interface DecoderOptions {
  /** Positions the RoPE table reaches: the longest sequence to be computed. Default as `positionsOf`. */
  maxPositions?: number
  /** Keep each layer's input only and compute the layer again in the backward pass. Default false. */
  recompute?: boolean
  /** Chooses kernel designs by timing them on this adapter; results do not depend on it. Default a fixed choice. */
  tuner?: Autotuner
}

/** A Llama-family decoder on the GPU: log-probabilities of packed answers, and their gradients to a LoRA adapter. */
export class Decoder {
  readonly config: DecoderConfig
  readonly weights: DecoderWeights
  readonly kernels: DecoderKernels
  readonly maxPositions: number
  readonly #gpu: Gpu
  readonly ropeTable: Tensor // (maxPositions, headDim)
  /** Whether layers are computed again in the backward pass. */
  readonly recompute: boolean

  private constructor(
    gpu: Gpu,
    config: DecoderConfig,
    weights: DecoderWeights,
    kernels: DecoderKernels,
    options: DecoderOptions,
  ) {
    this.#gpu = gpu
    this.config = config
    this.weights = weights
    this.kernels = kernels
    this.maxPositions = positionsOf(config, options.maxPositions)
    this.recompute = options.recompute ?? false
    const table = ropeTable(
      ropeFrequencies(config.rope, config.headDim, this.maxPositions),
      this.maxPositions,
    )
    this.ropeTable = gpu.upload(table, [this.maxPositions, config.headDim], 'rope.table')
  }

  /**
   * Compiles the kernels for weights that are on the GPU, and takes these over: they are freed with the decoder, or at once
   * where there comes to be none.
   * @throws {KernelError} when a shader does not compile, {ConfigError} for more positions than the model has.
   */
  static async create(
    gpu: Gpu,
    config: DecoderConfig,
    weights: DecoderWeights,
    options: DecoderOptions = {},
  ): Promise<Decoder> {
    try {
      const kernels = await createDecoderKernels(gpu, config, weights.format, options.tuner)
      return new Decoder(gpu, config, weights, kernels, options)
    } catch (error) {
      releaseDecoderWeights(gpu, weights)
      throw error
    }
  }

  /** Buffers for batches of at most these rows. */
  workspace(capacity: BatchRows): Workspace {
    return new Workspace(this.#gpu, { ...capacity, features: Math.max(1, capacity.features) })
  }

  /**
   * Uploads a batch's tables.
   * @param options.answersAlone have the last layer compute only the rows that predict; no backward pass can follow. Sums
   *   are then taken in another order. Default false.
   * @throws {ShapeError} when the batch is larger than the workspace.
   */
  stage(
    workspace: Workspace,
    batch: PackedBatch,
    { answersAlone = false }: { answersAlone?: boolean } = {},
  ): StagedBatch {
    const { attention, offsets } = batch
    const features = batch.features.length / this.config.hiddenSize
    const rows: BatchRows = {
      tokens: batch.ids.length,
      answers: batch.targets.length,
      sequences: offsets.length - 1,
      features: Math.max(1, features),
    }
    workspace.begin(rows)
    const upload = (
      name: string,
      data: Uint32Array<ArrayBuffer>,
      shapeOf: (rows: BatchRows) => readonly number[],
    ): Tensor => {
      const tensor = workspace.view(`batch.${name}`, shapeOf, 'u32')
      this.#gpu.stream.write(tensor, data)
      return tensor
    }
    const alone = answersAlone ? predictingRows(batch) : undefined
    const featureRows = workspace.view('batch.features', (r) => [r.features, this.config.hiddenSize])
    if (features > 0) this.#gpu.stream.write(featureRows, batch.features)
    return {
      rows,
      tables: {
        ropeTable: this.ropeTable,
        positions: upload('positions', attention.positions, (r) => [r.tokens]),
        ranges: upload('ranges', attention.ranges, (r) => [r.tokens, 4]),
        queryRanges: upload('queryRanges', attention.queryRanges, (r) => [r.tokens, 2]),
        pairs: attention.pairs,
      },
      ids: upload('ids', batch.ids, (r) => [r.tokens]),
      featureIndex: upload('featureIndex', batch.featureIndex, (r) => [r.tokens]),
      features: features > 0 ? featureRows : undefined,
      answerRows: upload('answerRows', alone?.answerRows ?? batch.answerRows, (r) => [r.answers]),
      targets: upload('targets', batch.targets, (r) => [r.answers]),
      offsets: upload('offsets', offsets, (r) => [r.sequences + 1]),
      predicted: {
        offsets: upload('predicted.offsets', batch.predicted.offsets, (r) => [r.tokens + 1]),
        order: upload('predicted.order', batch.predicted.order, (r) => [r.answers]),
      },
      ...(alone ? { wanted: this.#stageWanted(workspace, alone) } : {}),
    }
  }

  #stageWanted(workspace: Workspace, { index, positions, ranges, pairs }: PredictingRows): WantedRows {
    const upload = (name: string, data: Uint32Array<ArrayBuffer>, width: number): Tensor => {
      const whole = workspace.view(`batch.wanted.${name}`, (r) => [r.answers, width], 'u32')
      const tensor = whole.prefix(width === 1 ? [index.length] : [index.length, width])
      this.#gpu.stream.write(tensor, data)
      return tensor
    }
    const seen = upload('ranges', ranges, 4)
    return {
      index: upload('index', index, 1),
      tables: {
        ropeTable: this.ropeTable,
        positions: upload('positions', positions, 1),
        ranges: seen,
        queryRanges: seen, // nobody asks without a backward pass
        pairs,
      },
    }
  }

  /**
   * Log-probabilities of a batch's answer tokens.
   * @param adapter the policy's; none for the reference.
   * @param keep whether a backward pass will follow: keeps what it needs, until the next pass in this workspace.
   */
  forward(
    workspace: Workspace,
    batch: StagedBatch,
    adapter: ActiveAdapter | undefined,
    keep: boolean,
  ): AnswerTokens {
    const { rows, rmsnorm, logps } = this.kernels
    const { wanted } = batch
    if (keep && wanted) throw new BatchError('expected all rows of a batch where a backward pass will follow')
    const last = this.hidden(workspace, batch, adapter, { keep, ...(wanted ? { wanted } : {}) })
    const { gathered, rstd, hidden } = this.#answerRows(workspace)
    rows.gather({ x: last, index: batch.answerRows, y: gathered })
    rmsnorm.forward({
      x: gathered,
      weight: this.weights.finalNorm,
      y: hidden,
      rstd,
      eps: this.config.rmsNormEps,
    })
    const out = this.#answerTokens(workspace, batch)
    logps.forward({
      hidden,
      weight: this.weights.head,
      ...out,
      lse: this.#perAnswer(workspace, 'lse'),
      logits: this.#headScratch(workspace, 'logits'),
      state: this.#headScratch(workspace, 'state'),
    })
    return out
  }

  /**
   * The residual stream after the last layer, before the final norm.
   * @param options.keep keep what a backward pass needs. Default false.
   * @param options.caches one for each layer, to attend to earlier rows as well; the rows' keys and values are added.
   * @param options.wanted the rows whose result is wanted. Default all.
   * @returns (T, hiddenSize), or (R, hiddenSize) of the rows wanted.
   */
  hidden(
    workspace: Workspace,
    batch: TokenRows,
    adapter: ActiveAdapter | undefined,
    {
      keep = false,
      caches,
      wanted,
    }: { keep?: boolean; caches?: readonly KeyValueCache[]; wanted?: WantedRows } = {},
  ): Tensor {
    const { embedding, rows } = this.kernels
    const layers = new LayerRunner(this.config, this.kernels, workspace)
    const x = this.#residual(workspace, 0, keep)
    const last = this.config.numLayers - 1
    const outputOf = (i: number): Tensor => {
      const y = this.#residual(workspace, i + 1, keep)
      return i === last && wanted ? y.prefix([wanted.index.size, this.config.hiddenSize]) : y
    }
    embedding.forward({ ids: batch.ids, weight: this.weights.embedding, y: x })
    if (batch.features) rows.splice({ x: batch.features, index: batch.featureIndex, y: x })
    this.weights.layers.forEach((weights, i) => {
      layers.forward(i, weights, batch.tables, adapter, {
        x: this.#residual(workspace, i, keep),
        y: outputOf(i),
        slot: this.#slot(i, keep),
        cache: caches?.[i],
        wanted: i === last ? wanted : undefined,
      })
    })
    return outputOf(last)
  }

  /** The logits (N, vocabSize) that predict a batch's answer tokens, after a `forward` of the same batch. */
  logits(workspace: Workspace): Tensor {
    const { hidden } = this.#answerRows(workspace)
    const y = workspace.view('answers.logits', (r) => [r.answers, this.config.vocabSize])
    this.kernels.matmul.forward({ x: hidden, weight: this.weights.head, y })
    return y
  }

  /**
   * Adds to `grads` the gradient of the loss to the adapter's matrices, after a `forward` of the same batch with `keep`.
   * @param dlogps gradient of the loss to each answer token's log-probability, (N).
   */
  backward(
    workspace: Workspace,
    batch: StagedBatch,
    adapter: ActiveAdapter,
    grads: AdapterTensors,
    dlogps: Tensor,
  ): void {
    const { rows, rmsnorm, logps } = this.kernels
    const layers = new LayerRunner(this.config, this.kernels, workspace)
    const { gathered, rstd, hidden } = this.#answerRows(workspace)
    const { hiddenSize, numLayers } = this.config
    const dhidden = workspace.view('answers.dhidden', (r) => [r.answers, hiddenSize])
    const dgathered = workspace.view('answers.dgathered', (r) => [r.answers, hiddenSize])
    const dx = workspace.view('dx', (r) => [r.tokens, hiddenSize])
    logps.backward({
      hidden,
      weight: this.weights.head,
      targets: batch.targets,
      lse: this.#perAnswer(workspace, 'lse'),
      dlogps,
      dhidden,
      logits: this.#headScratch(workspace, 'logits'),
    })
    rmsnorm.backward({ x: gathered, weight: this.weights.finalNorm, rstd, dout: dhidden, dinp: dgathered })
    this.#gpu.stream.clear(dx)
    rows.scatterAdd({ x: dgathered, offsets: batch.predicted.offsets, order: batch.predicted.order, y: dx })
    for (let i = numLayers - 1; i >= 0; i--) {
      const weights = this.weights.layers[i]
      if (!weights) continue
      const x = this.#residual(workspace, i, true)
      const slot = this.#slot(i, true)
      if (this.recompute) layers.forward(i, weights, batch.tables, adapter, { x, slot })
      layers.backward(i, weights, batch.tables, adapter, grads, { x, dx, slot, toInput: i > 0 })
    }
  }

  /** Frees the weights and tables; the decoder cannot be used afterwards. */
  release(): void {
    releaseDecoderWeights(this.#gpu, this.weights)
    this.#gpu.release(this.ropeTable)
  }

  /** The residual stream before layer i: one each where a backward pass follows, two by turns where none does. */
  #residual(workspace: Workspace, i: number, keep: boolean): Tensor {
    return workspace.view(`residual.${keep ? i : i % 2}`, (r) => [r.tokens, this.config.hiddenSize])
  }

  #slot(i: number, keep: boolean): string {
    return keep && !this.recompute ? `layer${i}` : 'layer0'
  }

  #answerRows(workspace: Workspace): Record<'gathered' | 'hidden' | 'rstd', Tensor> {
    const rows = (name: string): Tensor =>
      workspace.view(`answers.${name}`, (r) => [r.answers, this.config.hiddenSize])
    return { gathered: rows('gathered'), hidden: rows('hidden'), rstd: this.#perAnswer(workspace, 'rstd') }
  }

  #perAnswer(workspace: Workspace, name: string): Tensor {
    return workspace.view(`answers.${name}`, (r) => [r.answers])
  }

  #headScratch(workspace: Workspace, what: 'logits' | 'state'): Tensor {
    const { vocabSize } = this.config
    return workspace.view(`head.${what}`, (r) => logpsScratchShapes(r.answers, vocabSize)[what])
  }

  #answerTokens(workspace: Workspace, batch: StagedBatch): AnswerTokens {
    return {
      logps: this.#perAnswer(workspace, 'logps'),
      entropy: this.#perAnswer(workspace, 'entropy'),
      meanLogit: this.#perAnswer(workspace, 'meanLogit'),
      argmax: workspace.view('answers.argmax', (r) => [r.answers], 'u32'),
      targets: batch.targets,
    }
  }
}
