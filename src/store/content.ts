import { sha256 } from '../data/sha256.ts'
import type { Shelf } from './shelf.ts'

/** A file and what it is kept under. */
export interface StoredFile {
  readonly hash: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Files by the SHA-256 of a content: images by their own, thumbnails by that of the image they show. */
export class ContentStore {
  readonly #shelf: Shelf

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  async has(hash: string): Promise<boolean> {
    return await this.#shelf.has([hash])
  }

  /** Which files are there. */
  async hasMany(hashes: readonly string[]): Promise<boolean[]> {
    return await this.#shelf.hasMany(hashes.map((hash) => [hash]))
  }

  /** A file, or undefined when there is none or it was damaged. */
  async get(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await this.#shelf.get([hash])
  }

  /** Files in the order of their hashes, as `get` gives one; one transaction. */
  async getMany(hashes: readonly string[]): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    return await this.#shelf.getMany(hashes.map((hash) => [hash]))
  }

  /**
   * Stores a file unless it is there.
   * @param hash default that of the file itself.
   * @returns the hash. @throws {StorageFullError}
   */
  async put(bytes: Uint8Array<ArrayBuffer>, hash?: string): Promise<string> {
    const key = hash ?? (await sha256(bytes))
    await this.putMany([{ bytes, hash: key }])
    return key
  }

  /** Stores those files that are not there, all or none: many at once cost far less than one by one. @throws {StorageFullError} */
  async putMany(files: readonly StoredFile[]): Promise<void> {
    const isThere = await this.hasMany(files.map(({ hash }) => hash))
    const missing = files.filter((_, i) => !isThere[i])
    if (missing.length > 0)
      await this.#shelf.putMany(missing.map(({ bytes, hash }) => ({ key: [hash], bytes })))
  }
}
