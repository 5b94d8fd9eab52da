import type { Autotuner } from '../../gpu/autotune.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { logpsScratchShapes } from '../../kernels/logps.ts'
import { ropeTable } from '../../kernels/rope-table.ts'
import type { DecoderConfig } from '../config.ts'
import { ropeFrequencies } from '../rope-parameters.ts'
import type { AdapterTensors } from './adapter.ts'
import type { KeyValueCache, WantedRows } from './attention-tables.ts'
import { BatchError, type PackedBatch } from './batch.ts'
import { createDecoderKernels, type DecoderKernels } from './kernels.ts'
import { LayerRunner } from './layer.ts'
import type { ActiveAdapter } from './linear.ts'
import { positionsOf } from './positions.ts'
import { type StagedBatch, stageBatch, type TokenRows } from './staged-batch.ts'
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

export interface DecoderOptions {
  /** Positions the RoPE table reaches: the longest sequence to be computed. Default as `positionsOf`. */
  maxPositions?: number
  /** Chooses kernel designs by timing them on this adapter, among those that give the same bits there. Default a fixed choice. */
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

  /**
   * Buffers for batches of at most these rows.
   * @param options.recompute keep each layer's input only, and compute the layer again in the backward pass: the same numbers
   *   for less memory. Default false.
   */
  workspace(capacity: BatchRows, { recompute = false }: { recompute?: boolean } = {}): Workspace {
    return new Workspace(this.#gpu, { ...capacity, features: Math.max(1, capacity.features) }, recompute)
  }

  /** As `stageBatch`. */
  stage(workspace: Workspace, batch: PackedBatch, options: { answersAlone?: boolean } = {}): StagedBatch {
    return stageBatch(this.#gpu, this, workspace, batch, options)
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
        slot: slotOf(workspace, i, keep),
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
      const slot = slotOf(workspace, i, true)
      if (workspace.recompute) layers.forward(i, weights, batch.tables, adapter, { x, slot })
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

/** Where a layer keeps what its backward pass needs: a place each, or one for all where nothing is kept. */
function slotOf({ recompute }: Workspace, i: number, keep: boolean): string {
  return keep && !recompute ? `layer${i}` : 'layer0'
}
