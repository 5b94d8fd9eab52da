import type { Shelf } from './shelf.ts'

/** Vectors that a model made of contents, by `vectorKey`. */
export class VectorStore {
  readonly #shelf: Shelf

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** Vectors in the order of their keys; undefined where there is none or it was damaged. One transaction. */
  async getMany(keys: readonly string[]): Promise<(Float32Array<ArrayBuffer> | undefined)[]> {
    const found = await this.#shelf.getMany(keys.map((key) => [key]))
    return found.map((bytes) => bytes && new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
  }

  /** Stores vectors, all or none. @throws {StorageFullError} */
  async setMany(vectors: Iterable<readonly [key: string, vector: Float32Array<ArrayBuffer>]>): Promise<void> {
    await this.#shelf.putMany(
      Array.from(vectors, ([key, { buffer, byteOffset, byteLength }]) => ({
        key: [key],
        bytes: new Uint8Array(buffer, byteOffset, byteLength),
      })),
    )
  }
}

/**
 * The key of a vector.
 * @param model hash of everything of the model that determines the vector: weights, processing, precision.
 * @param content SHA-256 of the image's bytes or of the text.
 */
export function vectorKey(model: string, content: string): string {
  return `${model}/${content}`
}
