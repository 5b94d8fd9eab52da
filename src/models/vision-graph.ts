import type { ByteSource } from '../data/bytes.ts'
import { sha256 } from '../data/sha256.ts'
import { ImageEncoderError } from './image-encoder-error.ts'
import type { Pixels } from './image-processor.ts'
import {
  CAN_COMPUTE_ON_DEVICE,
  ONNX_RUNTIME_VERSION,
  type OnnxSession,
  OnnxTensor,
  openOnnx,
} from './onnx.ts'

type Features = Float32Array<ArrayBuffer>

/** As many tiles as pay to be computed together. */
const MOST_AT_ONCE = 8

/** A vision encoder with its projector, as transformers.js lays it out: `pixel_values` to `image_features`, a tile each. */
export class VisionGraph {
  /** What determines the features of a tile: ONNX Runtime, the place where it computes, the graph. */
  readonly identity: readonly string[]
  /** Tiles that are computed together, at most. */
  readonly batchSize: number
  readonly #session: OnnxSession
  readonly #hiddenSize: number

  private constructor(
    identity: readonly string[],
    batchSize: number,
    session: OnnxSession,
    hiddenSize: number,
  ) {
    this.identity = identity
    this.batchSize = batchSize
    this.#session = session
    this.#hiddenSize = hiddenSize
  }

  /**
   * @param hiddenSize the decoder's.
   * @param options.device computes the graph, where the browser can; default WASM, which is faster than a software adapter.
   * @throws {ImageEncoderError} when the graph has other inputs or outputs.
   */
  static async open(
    source: ByteSource,
    hiddenSize: number,
    { signal, device: wanted }: { signal?: AbortSignal | undefined; device?: GPUDevice | undefined } = {},
  ): Promise<VisionGraph> {
    const graph = await source.read(0, source.byteLength, signal)
    const device = CAN_COMPUTE_ON_DEVICE ? wanted : undefined
    const place = device ? ['webgpu', adapterName(device)] : ['wasm']
    const identity = [ONNX_RUNTIME_VERSION, ...place, await sha256(graph)]
    const session = await openOnnx(graph, device)
    const { inputNames, outputNames } = session
    if (!inputNames.includes('pixel_values') || !outputNames.includes('image_features')) {
      await session.release()
      throw new ImageEncoderError(
        `${source.name}: expected an input pixel_values and an output image_features, got ${inputNames} and ${outputNames}`,
      )
    }
    // On a GPU the rows of a batch might be computed another way than one alone.
    const batchSize = device || fixedBatch(session) ? 1 : MOST_AT_ONCE
    return new VisionGraph(identity, batchSize, session, hiddenSize)
  }

  /**
   * @param tiles of one size, at most `batchSize`.
   * @returns for each (tokens, hiddenSize).
   * @throws {ImageEncoderError} when the graph's rows are not of the decoder's hidden size.
   */
  async run(tiles: readonly Pixels[]): Promise<Features[]> {
    const { width, height } = tiles[0] as Pixels
    const count = tiles.length
    const isTiled = this.#session.inputNames.includes('pixel_attention_mask')
    const values = new Float32Array(count * 3 * height * width)
    for (const [i, tile] of tiles.entries()) values.set(tile.values, i * tile.values.length)
    const shape = [count, ...(isTiled ? [1] : []), 3, height, width]
    const feeds: Record<string, InstanceType<typeof OnnxTensor>> = {
      pixel_values: new OnnxTensor('float32', values, shape),
    }
    if (isTiled) {
      const mask = new Uint8Array(count * height * width).fill(1)
      feeds.pixel_attention_mask = new OnnxTensor('bool', mask, [count, 1, height, width])
    }
    const { image_features: features } = await this.#session.run(feeds)
    if (
      !(features?.data instanceof Float32Array) ||
      features.dims.at(-1) !== this.#hiddenSize ||
      features.data.length % (count * this.#hiddenSize) !== 0
    ) {
      throw new ImageEncoderError(
        `vision encoder: expected image_features of ${count} tiles in f32 with rows of ${this.#hiddenSize}, got ${features?.type} (${features?.dims.join(', ')})`,
      )
    }
    const { data } = features
    const size = data.length / count
    return tiles.map((_, i) => Float32Array.from(data.subarray(i * size, (i + 1) * size)))
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
