import { sha256 } from '../data/sha256.ts'
import type { ImageEncoder } from './image-encoder.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Features = Float32Array<ArrayBuffer>

/** Where image features outlive a session, by the SHA-256 of the image; it may lose any of them. */
export interface FeatureStore {
  getMany(images: readonly string[]): Promise<(Features | undefined)[]>
  setMany(features: readonly (readonly [image: string, features: Features])[]): Promise<void>
}

/** An image by its content's hash, whose bytes are read only where its features are lost. */
export interface KnownImage {
  /** SHA-256. */
  readonly hash: string
  read(): Promise<Bytes>
}

/** An image's features by its content: computed once, several images at a time, and kept in memory and in a store. */
export class ImageFeatures {
  readonly #encoder: ImageEncoder
  readonly #store: FeatureStore | undefined
  readonly #maxBytes: number
  /** By the image's hash, the one asked for longest ago first. */
  readonly #memory = new Map<string, Features>()
  #bytes = 0
  /** One after the other, so that what two callers ask for is computed once. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param options.maxBytes kept in memory. Default 256 MiB. */
  constructor(
    encoder: ImageEncoder,
    { store, maxBytes = 2 ** 28 }: { store?: FeatureStore | undefined; maxBytes?: number } = {},
  ) {
    this.#encoder = encoder
    this.#store = store
    this.#maxBytes = maxBytes
  }

  /**
   * @param images encoded images.
   * @returns for each (tokens, hiddenSize), row by row; not to be changed.
   * @throws {ImageEncoderError} for what is no image.
   */
  async of(images: readonly Bytes[]): Promise<Features[]> {
    return await this.#inTurn(async () => {
      const hashes = await Promise.all(images.map(sha256))
      const found = await this.#find(hashes)
      const missing = distinct(images, hashes, found)
      await this.#compute(
        missing,
        found,
        await Promise.all(missing.map(({ bytes }) => this.#encoder.read(bytes))),
      )
      return hashes.map((hash) => found.get(hash) as Features)
    })
  }

  /** Computes ahead what `of` will be asked for; it is `of` that tells what is no image. */
  async prepare(images: readonly Bytes[]): Promise<void> {
    await this.#inTurn(async () => {
      const hashes = await Promise.all(images.map(sha256))
      const found = await this.#find(hashes)
      const read = await Promise.allSettled(
        distinct(images, hashes, found).map(async (image) => ({
          image,
          pixels: await this.#encoder.read(image.bytes),
        })),
      )
      const good = read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      await this.#compute(
        good.map(({ image }) => image),
        found,
        good.map(({ pixels }) => pixels),
      )
    })
  }

  /** Features of images that were seen before: from memory, from the store, or else computed anew. */
  async ofKnown(images: readonly KnownImage[]): Promise<Features[]> {
    const held = await this.#inTurn(() => this.#find(images.map(({ hash }) => hash)))
    return await Promise.all(
      images.map(
        async (image) => held.get(image.hash) ?? ((await this.of([await image.read()]))[0] as Features),
      ),
    )
  }

  release(): void {
    this.#memory.clear()
    this.#encoder.release()
  }

  async #find(hashes: readonly string[]): Promise<Map<string, Features>> {
    const found = new Map<string, Features>()
    const unknown: string[] = []
    for (const hash of new Set(hashes)) {
      const features = this.#memory.get(hash)
      if (features) this.#remember(hash, features, found)
      else unknown.push(hash)
    }
    if (!this.#store || unknown.length === 0) return found
    const stored = await this.#store.getMany(unknown)
    for (const [i, hash] of unknown.entries()) {
      const features = stored[i]
      if (features) this.#remember(hash, features, found)
    }
    return found
  }

  async #compute(
    images: readonly { readonly hash: string }[],
    found: Map<string, Features>,
    pixels: Parameters<ImageEncoder['encodeAll']>[0],
  ): Promise<void> {
    if (images.length === 0) return
    const computed = await this.#encoder.encodeAll(pixels)
    const entries = images.map(({ hash }, i) => [hash, computed[i] as Features] as const)
    for (const [hash, features] of entries) this.#remember(hash, features, found)
    await this.#store?.setMany(entries)
  }

  #remember(hash: string, features: Features, found: Map<string, Features>): void {
    found.set(hash, features)
    if (!this.#memory.delete(hash)) this.#bytes += features.byteLength
    this.#memory.set(hash, features)
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
function distinct(
  images: readonly Bytes[],
  hashes: readonly string[],
  found: ReadonlyMap<string, Features>,
): { readonly hash: string; readonly bytes: Bytes }[] {
  const missing = new Map(images.map((bytes, i) => [hashes[i] ?? '', bytes]))
  for (const hash of found.keys()) missing.delete(hash)
  return [...missing].map(([hash, bytes]) => ({ hash, bytes }))
}
