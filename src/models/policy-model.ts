import type { Folder } from '../data/folder.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { WeightFormat } from '../kernels/weight.ts'
import { readCheckpoint, readJson } from './checkpoint.ts'
import { type ModelConfig, parseModelConfig } from './config.ts'
import { Decoder, type DecoderOptions } from './decoder/decoder.ts'
import { findDecoderTensors } from './decoder/tensor-names.ts'
import { WeightLoader } from './decoder/weight-loader.ts'
import { type LoadProgress, loadDecoderWeights } from './decoder/weights.ts'
import { PromptEncoder } from './prompt-encoder.ts'

export interface PolicyOptions extends DecoderOptions {
  /** How weights are kept on the GPU. Default f32. */
  readonly weights?: WeightFormat
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: LoadProgress) => void
}

/** A vision-language model: what reads images and texts, and the decoder on the GPU. */
export class PolicyModel {
  readonly config: ModelConfig
  readonly decoder: Decoder
  readonly encoder: PromptEncoder

  private constructor(config: ModelConfig, decoder: Decoder, encoder: PromptEncoder) {
    this.config = config
    this.decoder = decoder
    this.encoder = encoder
  }

  /**
   * Loads a model in the Hugging Face layout.
   * @throws {SourceError} for missing files, {ConfigError} and {CheckpointError} for models not computed here.
   */
  static async load(gpu: Gpu, files: Folder, options: PolicyOptions = {}): Promise<PolicyModel> {
    const { weights: format = 'f32', signal, onProgress, ...decoderOptions } = options
    const config = parseModelConfig(await readJson(files, 'config.json', signal))
    const encoder = await PromptEncoder.load(files, config, signal)
    const tensors = findDecoderTensors(config.decoder, await readCheckpoint(files, signal))
    const loader = await WeightLoader.create(gpu, format)
    const weights = await loadDecoderWeights(gpu, config.decoder, tensors, loader, {
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    })
    return new PolicyModel(
      config,
      await Decoder.create(gpu, config.decoder, weights, decoderOptions),
      encoder,
    )
  }

  release(): void {
    this.decoder.release()
    this.encoder.release()
  }
}
