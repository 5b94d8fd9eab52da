import type { Folder } from '../data/folder.ts'
import type { TensorEntry } from '../data/safetensors.ts'
import { sha256 } from '../data/sha256.ts'
import { anyresGrid, bestResolution } from './anyres.ts'
import type { AnyresConfig } from './anyres-config.ts'
import { packTiles, packWhole } from './anyres-packing.ts'
import { readCheckpoint } from './checkpoint.ts'
import { decodeImage } from './decode-image.ts'
import { ImageEncoderError } from './image-encoder-error.ts'
import { findImageFiles, type ImageFiles, type SeeingModel } from './image-files.ts'
import type { CutImage, ImageProcessor } from './image-processor.ts'
import type { ImageTokens } from './image-tokens.ts'
import { readNewline } from './newline.ts'
import type { ProcessorFiles } from './processor-files.ts'
import { VisionGraph } from './vision-graph.ts'

type Features = Float32Array<ArrayBuffer>

export interface ImageOptions {
  readonly signal?: AbortSignal | undefined
  readonly device?: GPUDevice | undefined
  readonly checkpoint?: ReadonlyMap<string, TensorEntry> | undefined
}

/** Makes an image's features of its tiles'. */
type Pack = (tiles: readonly Features[], image: CutImage) => Features

/** Image features by a model's own image processor and its vision encoder with its projector, in ONNX on WASM or WebGPU. */
export class ImageEncoder {
  /** SHA-256 of all that determines features: the graph, what computes it, and the processors' settings. */
  readonly hash: string
  readonly #processor: ImageProcessor
  readonly #graph: VisionGraph
  readonly #pack: Pack
  readonly #hiddenSize: number
  readonly #tokens: ImageTokens

  private constructor(
    hash: string,
    processor: ImageProcessor,
    graph: VisionGraph,
    pack: Pack,
    hiddenSize: number,
    tokens: ImageTokens,
  ) {
    this.hash = hash
    this.#processor = processor
    this.#graph = graph
    this.#pack = pack
    this.#hiddenSize = hiddenSize
    this.#tokens = tokens
  }

  /**
   * Loads the vision encoder that was found.
   * @param options.checkpoint the folder's tensors, where they are known already; models with anyres images need one of them.
   * @param options.device computes the graph, where the browser can; default WASM, which is faster than a software adapter.
   * @throws {ImageEncoderError} when the graph has other inputs or outputs, {CheckpointError} when the checkpoint lacks the
   *   newline of anyres images.
   */
  static async open(
    { files, model, source, processor, tokens, settings }: ImageFiles,
    { signal, device, checkpoint }: ImageOptions = {},
  ): Promise<ImageEncoder> {
    const { hiddenSize, anyres } = model
    const tensors = async () => checkpoint ?? (await readCheckpoint(files, signal))
    const packed = anyres && { ...anyres, newline: await readNewline(await tensors(), hiddenSize, signal) }
    const graph = await VisionGraph.open(source, hiddenSize, { signal, device })
    const parts = [...graph.identity, ...settings]
    if (packed) parts.push({ ...packed, newline: [...packed.newline] })
    if (processor.isSplitting) parts.push('split')
    const hash = await sha256(new TextEncoder().encode(JSON.stringify(parts)))
    return new ImageEncoder(hash, processor, graph, packed ? packing(packed) : joined, hiddenSize, tokens)
  }

  /** Finds and opens a folder's vision encoder, see `findImageFiles` and `open`; undefined when the folder has none. */
  static async load(
    files: Folder,
    processors: Pick<ProcessorFiles, 'imageProcessor' | 'processor'>,
    model: SeeingModel,
    options: ImageOptions = {},
  ): Promise<ImageEncoder | undefined> {
    const found = await findImageFiles(files, processors, model, options.signal)
    return found && (await ImageEncoder.open(found, options))
  }

  /** Whether images become as many tiles as they need, whose rows and columns are marked in the prompt. */
  get isSplitting(): boolean {
    return this.#processor.isSplitting
  }

  /**
   * Names which of an image's features are meant, where they depend on its being alone in its prompt.
   * @param image its content's hash.
   */
  key(image: string, isAlone: boolean): string {
    return isAlone || !this.#processor.isWholeAmongOthers ? image : `${image}.whole`
  }

  /**
   * Decodes an image and makes it what `encodeAll` takes.
   * @param isAlone whether its prompt has no other image. Default true.
   * @throws {ImageEncoderError} for what is no image.
   */
  async read(image: Uint8Array<ArrayBuffer>, isAlone = true): Promise<CutImage> {
    const decoded = await decodeImage(image).catch((cause: unknown) => {
      throw new ImageEncoderError(
        `expected an image the browser can read, got ${image.length} bytes that are none: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    })
    return this.#processor.cut(decoded, isAlone)
  }

  /**
   * The features that replace images' tokens; those of an image do not depend on what else is computed with it.
   * @param signal asked before each few tiles.
   * @returns for each (tokens, hiddenSize), row by row.
   * @throws {ImageEncoderError} when the graph's rows are not of the decoder's hidden size, or an image's not as many as the
   *   processor puts image tokens.
   */
  async encodeAll(images: readonly CutImage[], signal?: AbortSignal): Promise<Features[]> {
    const all: Features[] = []
    let tiles: Features[] = []
    for (const batch of batches(images, this.#graph.batchSize)) {
      signal?.throwIfAborted()
      tiles.push(...(await this.#graph.run(batch.map((tile) => this.#processor.normalize(tile)))))
      for (;;) {
        const image = images[all.length]
        if (!image || tiles.length < image.tiles.length) break
        all.push(this.#checked(this.#pack(tiles.slice(0, image.tiles.length), image), image))
        tiles = tiles.slice(image.tiles.length)
      }
    }
    return all
  }

  /** One image's features, as `encodeAll` gives them. */
  async encode(image: Uint8Array<ArrayBuffer>): Promise<Features> {
    const [features] = await this.encodeAll([await this.read(image)])
    return features as Features
  }

  #checked(features: Features, image: CutImage): Features {
    const [rows, tokens] = [features.length / this.#hiddenSize, this.#tokens.of(image)]
    if (tokens === undefined || rows === tokens) return features
    throw new ImageEncoderError(
      `expected ${tokens} rows of image features, one for each image token of the model's processor, got ${rows}`,
    )
  }

  release(): void {
    this.#graph.release()
  }
}

/** Arrays one after the other. */
export function joined(arrays: readonly Float32Array[]): Features {
  const whole = new Float32Array(arrays.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const array of arrays) {
    whole.set(array, at)
    at += array.length
  }
  return whole
}

/** How tiles of several resolutions are put together; transformers' `pack_image_features`. */
function packing({
  pinpoints,
  tileSize,
  side,
  maxTiles,
  newline,
}: AnyresConfig & { readonly newline: Features }): Pack {
  return (tiles, { size }) => {
    const [whole] = tiles
    if (whole && tiles.length === 1) return packWhole(whole, newline)
    const { width, height } = bestResolution(size, pinpoints)
    const grid = { rows: Math.floor(height / tileSize), cols: Math.floor(width / tileSize) }
    return packTiles(tiles, anyresGrid(size, grid, side, maxTiles), newline)
  }
}

/** The tiles of all images in their order, as many together as are of one size and not more than `most`. */
function batches(images: readonly CutImage[], most: number): CutImage['tiles'][] {
  const all: CutImage['tiles'][number][][] = []
  for (const tile of images.flatMap(({ tiles }) => tiles)) {
    const last = all.at(-1)
    const [first] = last ?? []
    if (last && last.length < most && first?.width === tile.width && first.height === tile.height)
      last.push(tile)
    else all.push([tile])
  }
  return all
}
