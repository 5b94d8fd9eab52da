import type { Folder } from '../data/folder.ts'
import { decodeImage } from './decode-image.ts'
import { ImageProcessor, type Pixels } from './image-processor.ts'
import { type OnnxSession, OnnxTensor, openOnnx } from './onnx.ts'
import { findOnnx } from './onnx-files.ts'
import type { ProcessorFiles } from './processor-files.ts'

/** A model's images cannot be read: files are missing, or of a kind not known here. */
export class ImageEncoderError extends Error {
  override readonly name = 'ImageEncoderError'
}

/** Image tokens a model's processor puts for an image of these pixels; undefined where its settings do not say. */
type TokenCount = (pixels: Pick<Pixels, 'width' | 'height'>) => number | undefined

/** Python's processors: LLaVA's by patches, Idefics 3's and SmolVLM's a fixed number for one tile. */
function tokenCount(processor: ProcessorFiles['processor']): TokenCount {
  const { image_seq_len, patch_size: patch, num_additional_image_tokens: added = 0 } = processor
  if (typeof image_seq_len === 'number') return () => image_seq_len
  if (typeof patch !== 'number' || typeof added !== 'number') return () => undefined
  const dropped = processor.vision_feature_select_strategy === 'default' ? 1 : 0
  return ({ width, height }) => Math.floor(width / patch) * Math.floor(height / patch) + added - dropped
}

/** Image features by a model's own image processor and its vision encoder with its projector, in ONNX on WASM. */
export class ImageEncoder {
  readonly #processor: ImageProcessor
  readonly #session: OnnxSession
  readonly #hiddenSize: number
  readonly #tokens: TokenCount

  private constructor(
    processor: ImageProcessor,
    session: OnnxSession,
    hiddenSize: number,
    tokens: TokenCount,
  ) {
    this.#processor = processor
    this.#session = session
    this.#hiddenSize = hiddenSize
    this.#tokens = tokens
  }

  /**
   * Loads `onnx/vision_encoder*.onnx` as transformers.js lays it out; undefined when the folder has none.
   * @param settings the image processor's and the processor's, see `readProcessorFiles`.
   * @param hiddenSize the decoder's.
   * @throws {ImageEncoderError} when the graph has other inputs or outputs, {ConfigError} for settings not known here.
   */
  static async load(
    files: Folder,
    { imageProcessor: settings, processor: json }: Pick<ProcessorFiles, 'imageProcessor' | 'processor'>,
    hiddenSize: number,
    signal?: AbortSignal,
  ): Promise<ImageEncoder | undefined> {
    const source = await findOnnx(files, 'vision_encoder', signal)
    if (!source) return undefined
    if (!settings) {
      throw new ImageEncoderError(
        `${files.name}: expected processor_config.json with image_processor, or preprocessor_config.json, found neither`,
      )
    }
    const processor = new ImageProcessor(settings)
    const session = await openOnnx(await source.read(0, source.byteLength, signal))
    const { inputNames, outputNames } = session
    if (!inputNames.includes('pixel_values') || !outputNames.includes('image_features')) {
      throw new ImageEncoderError(
        `${source.name}: expected an input pixel_values and an output image_features, got ${inputNames} and ${outputNames}`,
      )
    }
    return new ImageEncoder(processor, session, hiddenSize, tokenCount(json))
  }

  /**
   * The features that replace an image's tokens.
   * @returns (tokens, hiddenSize), row by row.
   * @throws {ImageEncoderError} when the graph's rows are not of the decoder's hidden size, or not as many as the processor
   *   puts image tokens.
   */
  async encode(image: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const pixels = this.#processor.process(await decodeImage(image))
    const features = await this.#features(pixels)
    const [rows, tokens] = [features.length / this.#hiddenSize, this.#tokens(pixels)]
    if (tokens !== undefined && rows !== tokens) {
      throw new ImageEncoderError(
        `expected ${tokens} rows of image features, one for each image token of the model's processor, got ${rows}`,
      )
    }
    return features
  }

  async #features({ width, height, values }: Pixels): Promise<Float32Array<ArrayBuffer>> {
    const isTiled = this.#session.inputNames.includes('pixel_attention_mask')
    const shape = [1, ...(isTiled ? [1] : []), 3, height, width]
    const feeds: Record<string, InstanceType<typeof OnnxTensor>> = {
      pixel_values: new OnnxTensor('float32', values, shape),
    }
    if (isTiled) {
      const mask = new Uint8Array(height * width).fill(1)
      feeds.pixel_attention_mask = new OnnxTensor('bool', mask, [1, 1, height, width])
    }
    const { image_features: features } = await this.#session.run(feeds)
    if (!(features?.data instanceof Float32Array) || features.dims.at(-1) !== this.#hiddenSize) {
      throw new ImageEncoderError(
        `vision encoder: expected image_features in f32 with rows of ${this.#hiddenSize}, got ${features?.type} (${features?.dims.join(', ')})`,
      )
    }
    return Float32Array.from(features.data)
  }

  release(): void {
    void this.#session.release()
  }
}
