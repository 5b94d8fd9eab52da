import * as transformers from '@huggingface/transformers'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import * as ort from 'onnxruntime-web/wasm'
import type { Folder } from '../data/folder.ts'
import { readJson } from './checkpoint.ts'

/** A model's images cannot be read: files are missing, or of a kind not known here. */
export class ImageEncoderError extends Error {
  override readonly name = 'ImageEncoderError'
}

type ImageProcessor = (images: transformers.RawImage[]) => Promise<{ pixel_values: transformers.Tensor }>

const ENCODER = 'onnx/vision_encoder.onnx'

/** Image features by a model's own image processor and its vision encoder, in ONNX on WASM. */
export class ImageEncoder {
  readonly #processor: ImageProcessor
  readonly #session: ort.InferenceSession

  private constructor(processor: ImageProcessor, session: ort.InferenceSession) {
    this.#processor = processor
    this.#session = session
  }

  /** @throws {ImageEncoderError} when the image processor's settings or the vision encoder are missing. */
  static async load(files: Folder, signal?: AbortSignal): Promise<ImageEncoder> {
    const settings = await imageSettings(files, signal)
    const name = String(settings.image_processor_type ?? settings.feature_extractor_type).replace(/Fast$/, '')
    const Processor = (transformers as Record<string, unknown>)[name]
    if (typeof Processor !== 'function') {
      throw new ImageEncoderError(
        `${files.name}: expected an image_processor_type that is known here, got ${name}`,
      )
    }
    const source = await files.open(ENCODER, signal)
    if (!source)
      throw new ImageEncoderError(`${files.name}: expected ${ENCODER} for the model's images, found none`)
    ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, import.meta.url).href }
    ort.env.wasm.numThreads = 1
    const session = await ort.InferenceSession.create(await source.read(0, source.byteLength, signal), {
      executionProviders: ['wasm'],
    })
    const construct = Processor as new (settings: object) => ImageProcessor
    return new ImageEncoder(new construct(settings), session)
  }

  /**
   * The features that replace an image's tokens.
   * @returns (tokens, hiddenSize), row by row.
   */
  async encode(image: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const { pixel_values: pixels } = await this.#processor([
      await transformers.RawImage.fromBlob(new Blob([image])),
    ])
    const input = new ort.Tensor('float32', Float32Array.from(pixels.data as Float32Array), pixels.dims)
    const outputs = await this.#session.run({ pixel_values: input })
    const features = outputs[this.#session.outputNames[0] ?? '']
    if (!features) throw new ImageEncoderError(`${ENCODER}: expected an output, got none`)
    return Float32Array.from((await features.getData()) as Float32Array)
  }

  release(): void {
    void this.#session.release()
  }
}

/** Settings of the image processor: transformers 5 keeps them in `processor_config.json`, older ones apart. */
async function imageSettings(files: Folder, signal?: AbortSignal): Promise<Record<string, unknown>> {
  if (await files.open('processor_config.json', signal)) {
    const { image_processor: nested } = (await readJson(files, 'processor_config.json', signal)) as {
      image_processor?: Record<string, unknown>
    }
    if (nested) return nested
  }
  return (await readJson(files, 'preprocessor_config.json', signal)) as Record<string, unknown>
}
