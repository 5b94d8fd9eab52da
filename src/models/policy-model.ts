import type { Folder } from '../data/folder.ts'
import type { TensorEntry } from '../data/safetensors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { WeightFormat } from '../kernels/weight.ts'
import { readCheckpoint, readJson } from './checkpoint.ts'
import { CheckpointHash } from './checkpoint-hash.ts'
import { type ModelConfig, parseModelConfig } from './config.ts'
import { Decoder, type DecoderOptions } from './decoder/decoder.ts'
import { type MemoryLimits, planWithin, type WantedMemory } from './decoder/memory-fit.ts'
import type { MemoryPlan, MemoryRequest } from './decoder/memory-plan.ts'
import { positionsOf } from './decoder/positions.ts'
import { findDecoderTensors } from './decoder/tensor-names.ts'
import { WeightLoader } from './decoder/weight-loader.ts'
import { type LoadProgress, loadDecoderWeights } from './decoder/weights.ts'
import type { FeatureStore } from './image-features.ts'
import { type ImageSpace, PromptEncoder } from './prompt-encoder.ts'

/** What of a memory request the loaded weights decide, and what is left to say. */
type Fixed = Pick<MemoryRequest, 'format' | 'sourceBytes' | 'ownHead' | 'maxPositions'>
export type PolicyUse = Omit<WantedMemory, keyof Fixed>

/** `maxPositions`, where it is not said, leaves room for the largest image: see `positionsOf`. */
export interface PolicyOptions extends DecoderOptions {
  /** How weights are kept on the GPU. Default f32. */
  readonly weights?: WeightFormat
  /** What will be done with the model, for the plan, or how that follows from model and largest image. Default only having it. */
  readonly use?: PolicyUse | ((largestImage: ImageSpace | undefined, config: ModelConfig) => PolicyUse)
  /** Most bytes to take on the GPU. Default no limit: WebGPU does not tell how much there is. */
  readonly budgetBytes?: number
  /** Called with the plan before anything is put on the GPU. */
  readonly onPlan?: (plan: MemoryPlan) => void
  /** Where image features outlive the session, by the vision encoder's hash. Default nowhere. */
  readonly features?: (encoder: string) => FeatureStore
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: LoadProgress) => void
}

/** A vision-language model: what reads images and texts, and the decoder on the GPU. */
export class PolicyModel {
  readonly config: ModelConfig
  readonly decoder: Decoder
  readonly encoder: PromptEncoder
  /** SHA-256 of the decoder's weights as the checkpoint has them. */
  readonly hash: string
  readonly #limits: MemoryLimits
  readonly #fixed: Fixed

  private constructor(
    config: ModelConfig,
    decoder: Decoder,
    encoder: PromptEncoder,
    hash: string,
    limits: MemoryLimits,
    fixed: Fixed,
  ) {
    this.config = config
    this.decoder = decoder
    this.encoder = encoder
    this.hash = hash
    this.#limits = limits
    this.#fixed = fixed
  }

  /**
   * Loads a model in the Hugging Face layout, once it is planned to fit. Where that fails or is cancelled, nothing of it is
   * left.
   * @throws {MemoryError} before anything is loaded when it does not fit, {SourceError} for missing files, {ConfigError} and
   *   {CheckpointError} for models not computed here.
   */
  static async load(gpu: Gpu, files: Folder, options: PolicyOptions = {}): Promise<PolicyModel> {
    const {
      weights: format = 'f32',
      use = {},
      budgetBytes,
      onPlan,
      features,
      signal,
      onProgress,
      ...decoderOptions
    } = options
    const config = parseModelConfig(await readJson(files, 'config.json', signal))
    const checkpoint = await readCheckpoint(files, signal)
    const hash = new CheckpointHash(findDecoderTensors(config.decoder, checkpoint))
    const { tensors } = hash
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.limits
    const limits = {
      maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
      ...(budgetBytes === undefined ? {} : { budgetBytes }),
    }
    const encoder = await PromptEncoder.read(files, config, signal)
    const { largestImage } = encoder
    const maxPositions = positionsOf(config.decoder, decoderOptions.maxPositions, largestImage?.tokens)
    const fixed = {
      format,
      sourceBytes: sourceBytes(tensors.values()),
      ownHead: tensors.has('lm_head.weight'),
      maxPositions,
    }
    const planned = typeof use === 'function' ? use(largestImage, config) : use
    const plan = planWithin(config, { ...planned, ...fixed }, limits)
    onPlan?.(plan)
    await encoder.openImages({
      checkpoint,
      signal,
      device: gpu.profile.isSoftware ? undefined : gpu.device,
      ...(features ? { features } : {}),
    })
    try {
      const loader = await WeightLoader.create(gpu, format)
      const weights = await loadDecoderWeights(gpu, config.decoder, tensors, loader, {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      })
      const decoder = await Decoder.create(gpu, config.decoder, weights, { ...decoderOptions, maxPositions })
      return new PolicyModel(config, decoder, encoder, await hash.digest(), limits, fixed)
    } catch (error) {
      encoder.release()
      throw error
    }
  }

  /** Plans a use of the loaded model. @throws {MemoryError} when it does not fit, naming the settings that would. */
  plan(use: PolicyUse): MemoryPlan {
    return planWithin(this.config, { ...use, ...this.#fixed }, this.#limits)
  }

  release(): void {
    this.decoder.release()
    this.encoder.release()
  }
}

/** Bytes of the widest numbers in a checkpoint. */
function sourceBytes(entries: Iterable<TensorEntry>): 2 | 4 {
  return [...entries].some(({ dtype }) => dtype === 'F32') ? 4 : 2
}
