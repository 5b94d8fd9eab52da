import type { Folder } from '../data/folder.ts'
import { decodeImage } from './decode-image.ts'
import { ImageProcessor, type Pixels } from './image-processor.ts'
import { type OnnxSession, OnnxTensor, openOnnx } from './onnx.ts'

/** A model's images cannot be read: files are missing, or of a kind not known here. */
export class ImageEncoderError extends Error {
  override readonly name = 'ImageEncoderError'
}

/** File names transformers.js gives the vision encoder, the most exact first. */
const FILES = ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16'].map(
  (suffix) => `onnx/vision_encoder${suffix}.onnx`,
)

/** Image features by a model's own image processor and its vision encoder with its projector, in ONNX on WASM. */
export class ImageEncoder {
  readonly #processor: ImageProcessor
  readonly #session: OnnxSession
  readonly #hiddenSize: number

  private constructor(processor: ImageProcessor, session: OnnxSession, hiddenSize: number) {
    this.#processor = processor
    this.#session = session
    this.#hiddenSize = hiddenSize
  }

  /**
   * Loads `onnx/vision_encoder*.onnx` as transformers.js lays it out; undefined when the folder has none.
   * @param settings the image processor's, see `readProcessorFiles`.
   * @param hiddenSize the decoder's.
   * @throws {ImageEncoderError} when the graph has other inputs or outputs, {ConfigError} for settings not known here.
   */
  static async load(
    files: Folder,
    settings: unknown,
    hiddenSize: number,
    signal?: AbortSignal,
  ): Promise<ImageEncoder | undefined> {
    for (const path of FILES) {
      const source = await files.open(path, signal)
      if (!source) continue
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
      return new ImageEncoder(processor, session, hiddenSize)
    }
    return undefined
  }

  /**
   * The features that replace an image's tokens.
   * @returns (tokens, hiddenSize), row by row.
   * @throws {ImageEncoderError} when the graph's rows are not of the decoder's hidden size.
   */
  async encode(image: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    return await this.#features(this.#processor.process(await decodeImage(image)))
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
