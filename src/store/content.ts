import { sha256 } from '../data/sha256.ts'
import type { Shelf } from './shelf.ts'

/** Files by the SHA-256 of a content: images by their own, thumbnails by that of the image they show. */
export class ContentStore {
  readonly #shelf: Shelf

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  async has(hash: string): Promise<boolean> {
    return await this.#shelf.has([hash])
  }

  /** A file, or undefined when there is none or it was damaged. */
  async get(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await this.#shelf.get([hash])
  }

  /**
   * Stores a file unless it is there.
   * @param hash default that of the file itself.
   * @returns the hash. @throws {StorageFullError}
   */
  async put(bytes: Uint8Array<ArrayBuffer>, hash?: string): Promise<string> {
    const key = hash ?? (await sha256(bytes))
    if (!(await this.has(key))) await this.#shelf.put({ key: [key], bytes })
    return key
  }
}
