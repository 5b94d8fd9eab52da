import type { ShelfKey } from './database.ts'
import { StorageFullError } from './errors.ts'
import type { Shelf } from './shelf.ts'

/** Arrays that one owner computed, such as a vision encoder's image features; a cache that may lose any of them at any time. */
export class FloatCache {
  readonly #owner: string
  readonly #shelf: Shelf
  readonly #maxBytes: number
  /** Bytes of each value that is stored, as far as this cache knows. */
  #sizes: Map<string, { readonly key: ShelfKey; readonly byteLength: number }> | undefined
  #isFull = false

  /**
   * @param owner hash of everything that determines the arrays beside their names: of image features the graph, the
   *   processing, and where it is computed.
   * @param options.maxBytes of all owners together.
   */
  constructor(owner: string, { shelf, maxBytes }: { readonly shelf: Shelf; readonly maxBytes: number }) {
    this.#owner = owner
    this.#shelf = shelf
    this.#maxBytes = maxBytes
  }

  /** Arrays in the order of their names; undefined where there is none or it was damaged. */
  async getMany(names: readonly string[]): Promise<(Float32Array<ArrayBuffer> | undefined)[]> {
    const found = await this.#shelf.getMany(names.map((name) => [this.#owner, name]))
    return found.map((bytes) => bytes && new Float32Array(bytes.slice().buffer))
  }

  /**
   * Stores arrays; to make room, others go: those of other owners first, then any. Where the browser's storage is full
   * nothing more is stored, since all of it can be computed again.
   */
  async setMany(
    arrays: readonly (readonly [name: string, array: Float32Array<ArrayBuffer>])[],
  ): Promise<void> {
    if (this.#isFull) return
    const items = arrays.map(([name, { buffer, byteOffset, byteLength }]) => ({
      key: [this.#owner, name],
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
    const isOwn = ({ key }: { readonly key: ShelfKey }): boolean => key[0] === this.#owner
    const going: ShelfKey[] = []
    for (const { key, byteLength } of [...all.filter((v) => !isOwn(v)), ...all.filter(isOwn)]) {
      if (total <= this.#maxBytes) break
      going.push(key)
      total -= byteLength
    }
    return going
  }
}
