import type { Folder } from '../data/folder.ts'
import { findOnnx } from '../data/onnx-files.ts'
import { sha256 } from '../data/sha256.ts'
import { decodeImage } from './decode-image.ts'
import { ImageProcessor, type Pixels } from './image-processor.ts'
import {
  CAN_COMPUTE_ON_DEVICE,
  ONNX_RUNTIME_VERSION,
  type OnnxSession,
  OnnxTensor,
  openOnnx,
} from './onnx.ts'
import type { ProcessorFiles } from './processor-files.ts'

/** A model's images cannot be read: files are missing, or of a kind not known here. */
export class ImageEncoderError extends Error {
  override readonly name = 'ImageEncoderError'
}

/** As many images as pay to be computed together. */
const MOST_AT_ONCE = 8

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

/** Image features by a model's own image processor and its vision encoder with its projector, in ONNX on WASM or WebGPU. */
export class ImageEncoder {
  /** SHA-256 of all that determines features: the graph, what computes it, and the processors' settings. */
  readonly hash: string
  readonly #processor: ImageProcessor
  readonly #session: OnnxSession
  /** Images of one size that are computed together. */
  readonly #batchSize: number
  readonly #hiddenSize: number
  readonly #tokens: TokenCount

  private constructor(
    hash: string,
    processor: ImageProcessor,
    session: OnnxSession,
    batchSize: number,
    hiddenSize: number,
    tokens: TokenCount,
  ) {
    this.hash = hash
    this.#processor = processor
    this.#session = session
    this.#batchSize = batchSize
    this.#hiddenSize = hiddenSize
    this.#tokens = tokens
  }

  /**
   * Loads `onnx/vision_encoder*.onnx` as transformers.js lays it out; undefined when the folder has none.
   * @param settings the image processor's and the processor's, see `readProcessorFiles`.
   * @param hiddenSize the decoder's.
   * @param options.device computes the graph, where the browser can; default WASM, which is faster than a software adapter.
   * @throws {ImageEncoderError} when the graph has other inputs or outputs, {ConfigError} for settings not known here.
   */
  static async load(
    files: Folder,
    { imageProcessor: settings, processor: json }: Pick<ProcessorFiles, 'imageProcessor' | 'processor'>,
    hiddenSize: number,
    { signal, device: wanted }: { signal?: AbortSignal | undefined; device?: GPUDevice | undefined } = {},
  ): Promise<ImageEncoder | undefined> {
    const source = await findOnnx(files, 'vision_encoder', signal)
    if (!source) return undefined
    if (!settings) {
      throw new ImageEncoderError(
        `${files.name}: expected processor_config.json with image_processor, or preprocessor_config.json, found neither`,
      )
    }
    const processor = new ImageProcessor(settings)
    const graph = await source.read(0, source.byteLength, signal)
    const device = CAN_COMPUTE_ON_DEVICE ? wanted : undefined
    const place = device ? ['webgpu', adapterName(device)] : ['wasm']
    const text = new TextEncoder().encode(
      JSON.stringify([ONNX_RUNTIME_VERSION, ...place, await sha256(graph), settings, json]),
    )
    const session = await openOnnx(graph, device)
    const { inputNames, outputNames } = session
    if (!inputNames.includes('pixel_values') || !outputNames.includes('image_features')) {
      throw new ImageEncoderError(
        `${source.name}: expected an input pixel_values and an output image_features, got ${inputNames} and ${outputNames}`,
      )
    }
    // On a GPU the rows of a batch might be computed another way than one alone.
    const batchSize = device || fixedBatch(session) ? 1 : MOST_AT_ONCE
    return new ImageEncoder(await sha256(text), processor, session, batchSize, hiddenSize, tokenCount(json))
  }

  /** Decodes an image and makes it what `encodeAll` takes. @throws {ImageEncoderError} for what is no image. */
  async read(image: Uint8Array<ArrayBuffer>): Promise<Pixels> {
    const decoded = await decodeImage(image).catch((cause: unknown) => {
      throw new ImageEncoderError(
        `expected an image the browser can read, got ${image.length} bytes that are none: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    })
    return this.#processor.process(decoded)
  }

  /**
   * The features that replace images' tokens; those of an image do not depend on what else is computed with it.
   * @returns for each (tokens, hiddenSize), row by row.
   * @throws {ImageEncoderError} when the graph's rows are not of the decoder's hidden size, or not as many as the processor
   *   puts image tokens.
   */
  async encodeAll(images: readonly Pixels[]): Promise<Float32Array<ArrayBuffer>[]> {
    const features: Float32Array<ArrayBuffer>[] = []
    for (let first = 0; first < images.length; first = features.length) {
      const batch = alike(images.slice(first, first + this.#batchSize))
      features.push(...(await this.#run(batch)))
    }
    return features
  }

  /** One image's features, as `encodeAll` gives them. */
  async encode(image: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const [features] = await this.encodeAll([await this.read(image)])
    return features as Float32Array<ArrayBuffer>
  }

  async #run(images: readonly Pixels[]): Promise<Float32Array<ArrayBuffer>[]> {
    const { width, height } = images[0] as Pixels
    const count = images.length
    const isTiled = this.#session.inputNames.includes('pixel_attention_mask')
    const values = new Float32Array(count * 3 * height * width)
    for (const [i, image] of images.entries()) values.set(image.values, i * image.values.length)
    const shape = [count, ...(isTiled ? [1] : []), 3, height, width]
    const feeds: Record<string, InstanceType<typeof OnnxTensor>> = {
      pixel_values: new OnnxTensor('float32', values, shape),
    }
    if (isTiled) {
      const mask = new Uint8Array(count * height * width).fill(1)
      feeds.pixel_attention_mask = new OnnxTensor('bool', mask, [count, 1, height, width])
    }
    const { image_features: features } = await this.#session.run(feeds)
    if (!(features?.data instanceof Float32Array) || features.dims.at(-1) !== this.#hiddenSize) {
      throw new ImageEncoderError(
        `vision encoder: expected image_features in f32 with rows of ${this.#hiddenSize}, got ${features?.type} (${features?.dims.join(', ')})`,
      )
    }
    const { data } = features
    const [rows, tokens] = [data.length / this.#hiddenSize / count, this.#tokens({ width, height })]
    if (!Number.isInteger(rows) || (tokens !== undefined && rows !== tokens)) {
      throw new ImageEncoderError(
        `expected ${tokens ?? 'as many'} rows of image features, one for each image token of the model's processor, got ${rows}`,
      )
    }
    const size = rows * this.#hiddenSize
    return images.map((_, i) => Float32Array.from(data.subarray(i * size, (i + 1) * size)))
  }

  release(): void {
    void this.#session.release()
  }
}

/** Whether a graph was exported for a fixed number of images. */
function fixedBatch({ inputMetadata }: OnnxSession): boolean {
  const pixels = inputMetadata.find(({ name }) => name === 'pixel_values')
  return pixels?.isTensor === true && typeof pixels.shape[0] === 'number'
}

/** Which GPU a device belongs to: others may round another way. */
function adapterName({ adapterInfo: { vendor, architecture, device, description } }: GPUDevice): string {
  return [vendor, architecture, device, description].join('/')
}

/** The first images that are of one size. */
function alike(images: readonly Pixels[]): readonly Pixels[] {
  const end = images.findIndex(
    ({ width, height }) => width !== images[0]?.width || height !== images[0]?.height,
  )
  return end < 0 ? images : images.slice(0, end)
}
