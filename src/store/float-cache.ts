import type { ShelfKey } from './database.ts'
import { StorageFullError } from './errors.ts'
import { Shelf } from './shelf.ts'

/** Image features of one vision encoder, by the SHA-256 of the image; a cache that may lose any of them at any time. */
export class StoredFeatures {
  readonly #encoder: string
  readonly #shelf: Shelf
  readonly #maxBytes: number
  /** Bytes of each value that is stored, as far as this cache knows. */
  #sizes: Map<string, { readonly key: ShelfKey; readonly byteLength: number }> | undefined
  #isFull = false

  /**
   * @param encoder hash of everything of the encoder that determines features: graph, processing, where it is computed.
   * @param options.maxBytes of all encoders together. Default 1 GiB.
   */
  constructor(
    encoder: string,
    { shelf = new Shelf('features'), maxBytes = 2 ** 30 }: { shelf?: Shelf; maxBytes?: number } = {},
  ) {
    this.#encoder = encoder
    this.#shelf = shelf
    this.#maxBytes = maxBytes
  }

  /** Features in the order of their images, row by row; undefined where there are none or they were damaged. */
  async getMany(images: readonly string[]): Promise<(Float32Array<ArrayBuffer> | undefined)[]> {
    const found = await this.#shelf.getMany(images.map((image) => [this.#encoder, image]))
    return found.map((bytes) => bytes && new Float32Array(bytes.slice().buffer))
  }

  /**
   * Stores features; to make room, others go: those of other encoders first, then any. Where the browser's storage is full
   * nothing more is stored, since all of it can be computed again.
   */
  async setMany(
    features: readonly (readonly [image: string, features: Float32Array<ArrayBuffer>])[],
  ): Promise<void> {
    if (this.#isFull) return
    const items = features.map(([image, { buffer, byteOffset, byteLength }]) => ({
      key: [this.#encoder, image],
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
    }))
    const sizes = await this.#known()
    const going = this.#surplus(items.reduce((total, { bytes }) => total + bytes.byteLength, 0))
    if (!going) return
    try {
      await this.#shelf.putMany(items, going)
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error
      this.#isFull = true
      return
    }
    for (const key of going) sizes.delete(key.join())
    for (const { key, bytes } of items) sizes.set(key.join(), { key, byteLength: bytes.byteLength })
  }

  async #known() {
    this.#sizes ??= new Map((await this.#shelf.entries()).map((entry) => [entry.key.join(), entry]))
    return this.#sizes
  }

  /** Values that have to go so that as many bytes more fit; undefined where they would not fit even alone. */
  #surplus(added: number): ShelfKey[] | undefined {
    if (added > this.#maxBytes) return undefined
    const all = [...(this.#sizes?.values() ?? [])]
    let total = all.reduce((sum, { byteLength }) => sum + byteLength, added)
    const isOwn = ({ key }: { readonly key: ShelfKey }): boolean => key[0] === this.#encoder
    const going: ShelfKey[] = []
    for (const { key, byteLength } of [...all.filter((v) => !isOwn(v)), ...all.filter(isOwn)]) {
      if (total <= this.#maxBytes) break
      going.push(key)
      total -= byteLength
    }
    return going
  }
}
