import { sha256 } from '../data/sha256.ts'
import type { Grid } from './anyres.ts'
import { type ImageEncoder, joined } from './image-encoder.ts'
import type { CutImage } from './image-processor.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Features = Float32Array<ArrayBuffer>
/** An image's features in memory and in a store. */
type Kept = Float32Array<ArrayBuffer>

const NO_PARTS: Grid = { rows: 0, cols: 0 }

/** Where image features outlive a session, by the encoder's key of the image; it may lose any of them. */
export interface FeatureStore {
  getMany(images: readonly string[]): Promise<(Kept | undefined)[]>
  setMany(features: readonly (readonly [image: string, features: Kept])[]): Promise<void>
}

/** The features of an image, and the rows and columns of parts they begin with: none where it is one tile. */
export interface ImageBlock {
  readonly features: Features // (tokens, hiddenSize)
  readonly parts: Grid
}

/** An image by its content's hash, whose bytes are read only where its features are lost. */
export interface KnownImage {
  /** SHA-256. */
  readonly hash: string
  read(): Promise<Bytes>
}

/** An image whose features are asked for. */
interface Wanted {
  /** The encoder's. */
  readonly key: string
  readonly bytes: Bytes
  readonly isAlone: boolean
}

/** An image's features by its content: computed once, several images at a time, and kept in memory and in a store. */
export class ImageFeatures {
  readonly #encoder: ImageEncoder
  readonly #store: FeatureStore | undefined
  readonly #maxBytes: number
  /** By the encoder's key of the image, the one asked for longest ago first. */
  readonly #memory = new Map<string, Kept>()
  #bytes = 0
  /** One after the other, so that what two callers ask for is computed once. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param options.maxBytes kept in memory. Default 256 MiB, beside a store 32 MiB: what is asked for again soon. */
  constructor(
    encoder: ImageEncoder,
    {
      store,
      maxBytes = store ? 2 ** 25 : 2 ** 28,
    }: { store?: FeatureStore | undefined; maxBytes?: number } = {},
  ) {
    this.#encoder = encoder
    this.#store = store
    this.#maxBytes = maxBytes
  }

  /**
   * @param images encoded images, all those of one prompt.
   * @returns for each its features, row by row; not to be changed.
   * @throws {ImageEncoderError} for what is no image.
   */
  async of(images: readonly Bytes[]): Promise<ImageBlock[]> {
    const kept = await this.#of(await this.#wanted(images))
    return kept.map((values) => this.#block(values))
  }

  /**
   * Computes ahead what `of` will be asked for; it is `of` that tells what is no image.
   * @param prompts the images of each.
   * @throws the signal's reason when it is aborted; nothing of these images is kept then.
   */
  async prepare(prompts: readonly (readonly Bytes[])[], signal?: AbortSignal): Promise<void> {
    const wanted = (await Promise.all(prompts.map((images) => this.#wanted(images)))).flat()
    await this.#inTurn(async () => {
      const found = await this.#find(wanted.map(({ key }) => key))
      const read = await Promise.allSettled(
        distinct(wanted, found).map(async (image) => ({ image, cut: await this.#read(image) })),
      )
      const good = read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      await this.#compute(
        good.map(({ image }) => image),
        found,
        good.map(({ cut }) => cut),
        signal,
      )
    })
  }

  /** Features (tokens, hiddenSize) of one prompt's images, which were seen before: from memory, from the store, or else computed anew. */
  async ofKnown(images: readonly KnownImage[]): Promise<Features[]> {
    const isAlone = images.length === 1
    const keys = images.map(({ hash }) => this.#encoder.key(hash, isAlone))
    const held = await this.#inTurn(() => this.#find(keys))
    return await Promise.all(
      images.map(async (image, i) => {
        const key = keys[i] ?? ''
        const lost = async () => (await this.#of([{ key, bytes: await image.read(), isAlone }]))[0]
        return this.#block(held.get(key) ?? ((await lost()) as Kept)).features
      }),
    )
  }

  release(): void {
    this.#memory.clear()
    this.#encoder.release()
  }

  async #of(wanted: readonly Wanted[]): Promise<Kept[]> {
    return await this.#inTurn(async () => {
      const found = await this.#find(wanted.map(({ key }) => key))
      const missing = distinct(wanted, found)
      await this.#compute(missing, found, await Promise.all(missing.map((image) => this.#read(image))))
      return wanted.map(({ key }) => found.get(key) as Kept)
    })
  }

  async #wanted(images: readonly Bytes[]): Promise<Wanted[]> {
    const isAlone = images.length === 1
    return await Promise.all(
      images.map(async (bytes) => ({ key: this.#encoder.key(await sha256(bytes), isAlone), bytes, isAlone })),
    )
  }

  #read({ bytes, isAlone }: Wanted): Promise<CutImage> {
    return this.#encoder.read(bytes, isAlone)
  }

  async #find(keys: readonly string[]): Promise<Map<string, Kept>> {
    const found = new Map<string, Kept>()
    const unknown: string[] = []
    for (const key of new Set(keys)) {
      const kept = this.#memory.get(key)
      if (kept) this.#remember(key, kept, found)
      else unknown.push(key)
    }
    if (!this.#store || unknown.length === 0) return found
    const stored = await this.#store.getMany(unknown)
    for (const [i, key] of unknown.entries()) {
      const kept = stored[i]
      if (kept) this.#remember(key, kept, found)
    }
    return found
  }

  async #compute(
    images: readonly Wanted[],
    found: Map<string, Kept>,
    cut: readonly CutImage[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (images.length === 0) return
    const computed = await this.#encoder.encodeAll(cut, signal)
    const entries = images.map(({ key }, i) => [key, this.#kept(computed[i] as Features, cut[i])] as const)
    for (const [key, kept] of entries) this.#remember(key, kept, found)
    await this.#store?.setMany(entries)
  }

  /** What is kept of an image: its features and, where images are split, the rows and columns of its parts. */
  #kept(features: Features, image: CutImage | undefined): Kept {
    if (!this.#encoder.isSplitting) return features
    const { rows, cols } = image?.parts ?? NO_PARTS
    return joined([features, Float32Array.of(rows, cols)])
  }

  #block(kept: Kept): ImageBlock {
    if (!this.#encoder.isSplitting) return { features: kept, parts: NO_PARTS }
    const [rows = 0, cols = 0] = kept.subarray(-2)
    return { features: kept.subarray(0, -2), parts: { rows, cols } }
  }

  #remember(key: string, kept: Kept, found: Map<string, Kept>): void {
    found.set(key, kept)
    if (!this.#memory.delete(key)) this.#bytes += kept.byteLength
    this.#memory.set(key, kept)
    for (const [oldest, { byteLength }] of this.#memory) {
      if (this.#bytes <= this.#maxBytes) break
      this.#memory.delete(oldest)
      this.#bytes -= byteLength
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return await turn
  }
}

/** Images that were not found, each once. */
function distinct(wanted: readonly Wanted[], found: ReadonlyMap<string, Kept>): Wanted[] {
  const missing = new Map(wanted.map((image) => [image.key, image]))
  for (const key of found.keys()) missing.delete(key)
  return [...missing.values()]
}
