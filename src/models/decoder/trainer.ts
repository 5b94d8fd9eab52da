import type { Gpu } from '../../gpu/gpu.ts'
import type { Tensor } from '../../gpu/tensor.ts'
import { type AdamW, createAdamW, gradNormScratchShape } from '../../kernels/adamw.ts'
import {
  createPreference,
  PREFERENCE_METRICS,
  type Preference,
  preferenceScratchShape,
} from '../../kernels/preference.ts'
import { batchesOfStep, learningRate, planSteps, type StepPlan } from '../../method/schedule.ts'
import { preferenceSettings, type TrainerConfig } from '../../method/trainer-config.ts'
import { type AdapterLayout, AdapterTensors } from './adapter.ts'
import type { PackOptions } from './batch.ts'
import type { Decoder } from './decoder.ts'
import { HeldFeatures } from './held-features.ts'
import type { ActiveAdapter } from './linear.ts'
import { MicroBatches } from './micro-batches.ts'
import { type ReferenceOptions, referencePass } from './reference-pass.ts'
import type { StagedBatch } from './staged-batch.ts'
import { METRICS_STRIDE, type StepMetrics, stepMetrics } from './step-metrics.ts'
import { packPairs, type TokenPair } from './token-pairs.ts'
import { trainingRows } from './training-rows.ts'
import type { BatchRows, Workspace } from './workspace.ts'

export type { StepMetrics, TokenPair }

type Numbers = Float32Array<ArrayBuffer>

/** Everything a bit-identical continuation on the same adapter needs, beside the model, the pairs and the settings. */
export interface TrainerState {
  /** Optimiser steps done. */
  step: number
  numTokens: number
  params: Numbers // (layout.size)
  expAvg: Numbers // (layout.size)
  expAvgSq: Numbers // (layout.size)
  /** Reference log-probabilities, chosen and rejected of every pair. */
  referenceLogps: Numbers // (pairs, 2)
}

export interface TrainerOptions {
  readonly config: TrainerConfig
  readonly layout: AdapterLayout
  /**
   * The adapter begins with this run: its reference is then the model without it, as TRL has it for an adapter it makes
   * itself. Default false: the adapter was there before.
   */
  readonly isNew?: boolean
  readonly pairs: readonly TokenPair[]
  /** Image features of the pair at a place in `pairs`, where its prefix does not hold them; asked for shortly before use. */
  readonly features?: (pair: number) => Promise<Float32Array | undefined>
  readonly pack: Omit<PackOptions, 'maxPositions'>
  /** False takes the pairs in their order, epoch after epoch. Default true. */
  readonly shuffle?: boolean
  /** Share prefixes among the answers of a micro-batch. Default true. */
  readonly share?: boolean
  /** Compute each layer again in the backward pass, for less memory. Default false. */
  readonly recompute?: boolean
}

/** DPO training of a LoRA adapter on one decoder: each optimiser step is recorded whole, without waiting for the GPU. */
export class DpoTrainer {
  readonly plan: StepPlan
  readonly params: AdapterTensors
  /** The most rows any batch of this run has. */
  readonly largestBatch: BatchRows
  readonly #gpu: Gpu
  readonly #decoder: Decoder
  readonly #options: TrainerOptions
  readonly #preference: Preference
  readonly #adamw: AdamW
  readonly #grads: AdapterTensors
  readonly #expAvg: AdapterTensors
  readonly #expAvgSq: AdapterTensors
  readonly #metrics: Tensor // (gradient_accumulation_steps, METRICS_STRIDE)
  readonly #norm: Tensor // (3)
  readonly #normPartials: Tensor
  readonly #features: HeldFeatures
  readonly #batches: MicroBatches
  readonly #isWeighted: boolean
  #workspace: Workspace | undefined
  #referenceLogps: Numbers | undefined // (pairs, 2)
  #step = 0
  #numTokens = 0

  private constructor(
    gpu: Gpu,
    decoder: Decoder,
    options: TrainerOptions,
    preference: Preference,
    adamw: AdamW,
  ) {
    this.#gpu = gpu
    this.#decoder = decoder
    this.#options = options
    this.#preference = preference
    this.#adamw = adamw
    this.plan = planSteps(options.config, options.pairs.length)
    const { layout, config, pairs, pack, shuffle = true, share = true } = options
    const { imageTokenId } = pack
    this.largestBatch = trainingRows({ config, plan: this.plan, pairs, imageTokenId, shuffle, share })
    this.#features = new HeldFeatures(pairs, options.features)
    this.#batches = new MicroBatches(config, this.plan, pairs, shuffle)
    this.#isWeighted = pairs.some(({ weight }) => weight !== undefined)
    this.params = new AdapterTensors(gpu, layout, 'adapter.params')
    this.#grads = new AdapterTensors(gpu, layout, 'adapter.grads')
    this.#expAvg = new AdapterTensors(gpu, layout, 'adapter.expAvg')
    this.#expAvgSq = new AdapterTensors(gpu, layout, 'adapter.expAvgSq')
    this.#metrics = gpu.tensor(
      [options.config.gradient_accumulation_steps, METRICS_STRIDE],
      'trainer.metrics',
    )
    this.#norm = gpu.tensor([3], 'trainer.norm')
    this.#normPartials = gpu.tensor(gradNormScratchShape([{ size: layout.size }]), 'trainer.normPartials')
  }

  /**
   * Compiles what a step takes beyond the decoder's kernels.
   * @param initial flat adapter parameters to start from (`initialAdapter`, `packAdapter`), or a state to continue.
   */
  static async create(
    gpu: Gpu,
    decoder: Decoder,
    options: TrainerOptions,
    initial: Numbers | TrainerState,
  ): Promise<DpoTrainer> {
    const [preference, adamw] = await Promise.all([createPreference(gpu), createAdamW(gpu)])
    const trainer = new DpoTrainer(gpu, decoder, options, preference, adamw)
    if (initial instanceof Float32Array) gpu.stream.write(trainer.params.flat, initial)
    else trainer.#restore(initial)
    return trainer
  }

  /** Optimiser steps done. */
  get step(): number {
    return this.#step
  }

  get isDone(): boolean {
    return this.#step >= this.plan.totalSteps
  }

  /**
   * The reference's log-probabilities of all answers, computed once before the first step: the adapter as it was given, or
   * the model without one where the adapter is new or `reference` is "base".
   */
  async computeReference(options: ReferenceOptions = {}): Promise<void> {
    if (this.#referenceLogps) return
    const { pairs, config, isNew = false } = this.#options
    const adapter = config.reference === 'initial' && !isNew ? { params: this.params } : undefined
    const measure = async (indices: readonly number[]): Promise<Numbers> => {
      await this.#features.fetch(indices)
      const { workspace, staged } = this.#stage(indices)
      const { logps: tokens } = this.#decoder.forward(workspace, staged, adapter, false)
      const sums = workspace.view('reference.sums', (r) => [r.sequences / 2, 2])
      this.#preference.answerSums({ values: tokens, offsets: staged.offsets, sums })
      return await this.#gpu.readF32(sums)
    }
    const size = config.per_device_train_batch_size
    this.#referenceLogps = await referencePass(pairs.length, size, measure, options)
  }

  /** Fetches the image features of the next step's pairs; needed before every step where prefixes do not hold theirs. */
  async prepare(): Promise<void> {
    if (!this.isDone)
      await this.#features.fetch(this.#batches.of(this.#step).flatMap(({ indices }) => indices))
  }

  /**
   * Records one optimiser step: forward, loss, backward, accumulation, clipping and AdamW.
   * @returns the step's figures, once the GPU has computed them; the call itself does not wait.
   * @throws {Error} after the last step, or before `computeReference`.
   */
  trainStep(): Promise<StepMetrics> {
    if (this.isDone) throw new Error(`training: all ${this.plan.totalSteps} steps are done`)
    const { config, layout } = this.#options
    const batches = this.#batches.of(this.#step)
    const { epoch } = batchesOfStep(config, this.plan, this.#step)
    const lr = learningRate(config, this.plan, this.#step)
    const rate = config.disable_dropout ? 0 : layout.config.lora_dropout
    this.#adamw.zero([this.#grads.flat])
    for (const { indices, place } of batches) {
      const batch = this.#step * config.gradient_accumulation_steps + place // each drops other elements
      const adapter = { params: this.params, dropout: { rate, seed: config.seed, batch } }
      this.#microBatch(indices, adapter, place, 1 / batches.length)
    }
    this.#adamw.gradNorm({
      grads: [this.#grads.flat],
      partials: this.#normPartials,
      norm: this.#norm,
      maxNorm: config.max_grad_norm,
    })
    this.#adamw.step({
      param: this.params.flat,
      grad: this.#grads.flat,
      expAvg: this.#expAvg.flat,
      expAvgSq: this.#expAvgSq.flat,
      norm: this.#norm,
      lr,
      t: this.#step + 1,
      settings: {
        beta1: config.adam_beta1,
        beta2: config.adam_beta2,
        eps: config.adam_epsilon,
        weightDecay: config.weight_decay,
      },
    })
    this.#step++
    const stepsBefore = this.#step - epoch * this.plan.stepsPerEpoch
    const known = {
      step: this.#step,
      epoch:
        epoch + Math.min(1, (stepsBefore * config.gradient_accumulation_steps) / this.plan.batchesPerEpoch),
      learning_rate: lr,
      num_tokens: this.#numTokens,
    }
    return this.#gpu.stream.readAll([this.#metrics, this.#norm]).then((bytes) => {
      const [values, norm] = bytes.map((part) => new Float32Array(part))
      return stepMetrics(
        { ...known, grad_norm: norm?.[0] ?? Number.NaN },
        values ?? new Float32Array(),
        batches.length,
      )
    })
  }

  /** Everything needed to continue later, as the steps recorded by now leave it, once the GPU has taken them. */
  async state(): Promise<TrainerState> {
    const known = {
      step: this.#step,
      numTokens: this.#numTokens,
      referenceLogps: (this.#referenceLogps ?? new Float32Array()).slice(),
    }
    const read = [this.params, this.#expAvg, this.#expAvgSq].map(({ flat }) => flat)
    const [params, expAvg, expAvgSq] = (await this.#gpu.stream.readAll(read)).map(
      (bytes) => new Float32Array(bytes),
    ) as [Numbers, Numbers, Numbers]
    return { ...known, params, expAvg, expAvgSq }
  }

  release(): void {
    this.#workspace?.release()
    const adapters = [this.params, this.#grads, this.#expAvg, this.#expAvgSq]
    this.#gpu.release(...adapters.map(({ flat }) => flat), this.#metrics, this.#norm, this.#normPartials)
  }

  #restore(state: TrainerState): void {
    this.#step = state.step
    this.#numTokens = state.numTokens
    this.#gpu.stream.write(this.params.flat, state.params)
    this.#gpu.stream.write(this.#expAvg.flat, state.expAvg)
    this.#gpu.stream.write(this.#expAvgSq.flat, state.expAvgSq)
    if (state.referenceLogps.length > 0) this.#referenceLogps = state.referenceLogps.slice()
  }

  #microBatch(indices: readonly number[], adapter: ActiveAdapter, place: number, gradScale: number): void {
    const { config, pairs } = this.#options
    const reference = this.#referenceLogps
    if (!reference) throw new Error('training: expected computeReference before the first step')
    const { workspace, staged, unpackedTokens } = this.#stage(indices)
    this.#numTokens += unpackedTokens
    const refLogps = workspace.view('pairs.refLogps', (r) => [r.sequences / 2, 2])
    this.#gpu.stream.write(
      refLogps,
      Float32Array.from(indices.flatMap((i) => [...reference.subarray(2 * i, 2 * i + 2)])),
    )
    const pairWeights = workspace.view('pairs.weights', (r) => [r.sequences / 2])
    if (this.#isWeighted)
      this.#gpu.stream.write(
        pairWeights,
        Float32Array.from(indices, (i) => pairs[i]?.weight ?? 1),
      )

    const { offsets } = staged
    const tokens = this.#decoder.forward(workspace, staged, adapter, true)
    const policyLogps = workspace.view('pairs.policyLogps', (r) => [r.sequences / 2, 2])
    const stats = workspace.view('pairs.stats', (r) => [r.sequences / 2, 2, 3])
    const dAnswerLogps = workspace.view('pairs.dAnswerLogps', (r) => [r.sequences / 2, 2])
    const dlogps = workspace.view('answers.dlogps', (r) => [r.answers])
    this.#preference.answerSums({ values: tokens.logps, offsets, sums: policyLogps })
    this.#preference.answerStats({ ...tokens, offsets, stats })
    this.#preference.loss({
      policyLogps,
      refLogps,
      offsets,
      ...(this.#isWeighted ? { pairWeights } : {}),
      stats,
      dAnswerLogps,
      metrics: this.#metrics.rows(place, 1).prefix([PREFERENCE_METRICS.length]),
      scratch: workspace.view('pairs.scratch', (r) => preferenceScratchShape(r.sequences / 2)),
      settings: preferenceSettings(config),
      gradScale,
    })
    this.#preference.tokenSlopes({ dAnswerLogps, offsets, dlogps })
    this.#decoder.backward(workspace, staged, adapter, this.#grads, dlogps)
  }

  /** Stages pairs in the workspace, made for the largest batch of the run: steps allocate nothing. */
  #stage(indices: readonly number[]): { workspace: Workspace; staged: StagedBatch; unpackedTokens: number } {
    const { pack, share = true, recompute = false, config } = this.#options
    const packed = packPairs(
      indices.map((i) => this.#features.pair(i)),
      config.max_length,
      { ...pack, share, maxPositions: this.#decoder.maxPositions },
    )
    this.#workspace ??= this.#decoder.workspace(this.largestBatch, { recompute })
    return {
      workspace: this.#workspace,
      staged: this.#decoder.stage(this.#workspace, packed),
      unpackedTokens: packed.unpackedTokens,
    }
  }
}
