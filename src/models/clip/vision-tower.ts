import { type FileSpec, openFile } from '../../data/folder.ts'
import { decodeImage } from '../decode-image.ts'
import type { ImageProcessor } from '../image-processor.ts'
import { OnnxTensor } from '../onnx.ts'
import { embedInBatches, type WorkOptions } from './batches.ts'
import { ClipError } from './clip-error.ts'
import type { EmbeddingGraph } from './embedding-graph.ts'

/** Images embedded at once, at most: on WASM 16 were up to 1.4 times as fast as one (37 tokens, 160 wide), 64 no faster. */
const BATCH = 16

/** CLIP's image processor and vision tower. */
export class VisionTower {
  readonly #processor: ImageProcessor
  readonly #graph: EmbeddingGraph
  readonly #imageSize: number
  readonly #dim: number

  /** @param config `imageSize` in pixels, `projectionDim` in numbers. */
  constructor(
    processor: ImageProcessor,
    graph: EmbeddingGraph,
    config: { readonly imageSize: number; readonly projectionDim: number },
  ) {
    this.#processor = processor
    this.#graph = graph
    this.#imageSize = config.imageSize
    this.#dim = config.projectionDim
  }

  /**
   * Embeds image files; at most a batch of them is held decoded.
   * @returns (images, projectionDim), each row of length 1.
   * @throws {ClipError} naming the file that is no image, or that the processor makes another size of than the tower takes.
   */
  async embed(images: readonly FileSpec[], options: WorkOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    const items = images.map((value, row) => ({ row, value }))
    return await embedInBatches(items, (batch) => this.#run(batch, options.signal), {
      ...options,
      dim: this.#dim,
      limit: BATCH,
    })
  }

  async #run(batch: readonly FileSpec[], signal: AbortSignal | undefined): Promise<Float32Array> {
    const side = this.#imageSize
    const numbers = 3 * side * side
    const pixels = new Float32Array(batch.length * numbers)
    // Together, because the browser decodes in threads of its own.
    await Promise.all(
      batch.map(async (image, i) => pixels.set(await this.#pixels(image, signal), i * numbers)),
    )
    const feeds = { pixel_values: new OnnxTensor('float32', pixels, [batch.length, 3, side, side]) }
    return await this.#graph.embed(feeds, batch.length)
  }

  async #pixels(image: FileSpec, signal: AbortSignal | undefined): Promise<Float32Array> {
    const source = await openFile(image, signal)
    const bytes = await source.read(0, source.byteLength, signal)
    const decoded = await decodeImage(bytes).catch((cause: unknown) => {
      throw new ClipError(`${source.name}: expected an image this browser can read, got ${String(cause)}`, {
        cause,
      })
    })
    const { width, height, values } = this.#processor.process(decoded)
    if (width !== this.#imageSize || height !== this.#imageSize) {
      throw new ClipError(
        `${source.name}: expected the image processor to make ${this.#imageSize}x${this.#imageSize} pixels as config.json says, got ${width}x${height}; its settings lack a centre crop or have another size`,
      )
    }
    return values
  }

  async release(): Promise<void> {
    await this.#graph.release()
  }
}
