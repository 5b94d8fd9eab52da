import { FloatCache } from './float-cache.ts'
import { Shelf } from './shelf.ts'

/** Log-probabilities of a training's reference, in parts; a cache that may lose any of them at any time. */
export class StoredReference {
  readonly #parts: FloatCache

  /** @param run hash of everything that determines them: the model, the adapter, the pairs, where they are computed. */
  constructor(run: string, shelf: Shelf = new Shelf('references')) {
    this.#parts = new FloatCache(run, { shelf, maxBytes: 2 ** 26 })
  }

  /** @param first the part's first pair. @returns undefined where there is none. */
  async get(first: number): Promise<Float32Array<ArrayBuffer> | undefined> {
    return (await this.#parts.getMany([String(first)]))[0]
  }

  async set(first: number, logps: Float32Array<ArrayBuffer>): Promise<void> {
    await this.#parts.setMany([[String(first), logps]])
  }
}
