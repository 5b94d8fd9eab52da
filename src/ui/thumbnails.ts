import type { RunnerApi } from '../pipeline/runner.api.ts'

/** Addresses kept at once; a picture's address goes when others have been asked for since. */
const KEPT = 800

/** Small copies of stored pictures as addresses for `<img>`; those asked for in one turn are read together. */
export class Thumbnails {
  readonly #runner: Pick<RunnerApi, 'thumbnails'>
  readonly #urls = new Map<string, string | undefined>()
  #asked = new Map<string, ((url: string | undefined) => void)[]>()

  constructor(runner: Pick<RunnerApi, 'thumbnails'>) {
    this.#runner = runner
  }

  /** A picture's address; undefined where there is no copy. @param hash of the picture. */
  async url(hash: string): Promise<string | undefined> {
    if (this.#urls.has(hash)) {
      const url = this.#urls.get(hash)
      this.#urls.delete(hash) // the newest come last
      this.#urls.set(hash, url)
      return url
    }
    return await new Promise((resolve) => {
      if (this.#asked.size === 0) queueMicrotask(() => void this.#read())
      this.#asked.set(hash, [...(this.#asked.get(hash) ?? []), resolve])
    })
  }

  async #read(): Promise<void> {
    const asked = this.#asked
    this.#asked = new Map()
    const hashes = [...asked.keys()]
    const found = await this.#runner.thumbnails(hashes).catch(() => [])
    hashes.forEach((hash, i) => {
      const bytes = found[i]
      const url = bytes && URL.createObjectURL(new Blob([bytes]))
      if (url) this.#urls.set(hash, url)
      for (const resolve of asked.get(hash) ?? []) resolve(url)
    })
    for (const [hash, url] of this.#urls) {
      if (this.#urls.size <= KEPT) break
      this.#urls.delete(hash)
      if (url) URL.revokeObjectURL(url)
    }
  }
}
