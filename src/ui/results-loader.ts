/** A part that could not be loaded is not asked for again before so many milliseconds have passed. */
const AGAIN_MS = 5000

export const NOT_LOADED =
  'A part of this page could not be loaded, perhaps because there is no network. Reload the page once there is.'

/** Loads the views of results, which are heavy, once they are needed; what failed is tried again when they are needed next. */
export class ResultsLoader {
  readonly #load: () => Promise<unknown>
  readonly #now: () => number
  #isLoaded = false
  #triedAt = Number.NEGATIVE_INFINITY

  /** @param now milliseconds, for tests. */
  constructor(load: () => Promise<unknown> = () => import('./results.ts'), now = () => performance.now()) {
    this.#load = load
    this.#now = now
  }

  /** @returns `pending` while they are being loaded by another call, and a while after they failed. */
  async need(): Promise<'loaded' | 'failed' | 'pending'> {
    if (this.#isLoaded) return 'loaded'
    if (this.#now() - this.#triedAt < AGAIN_MS) return 'pending'
    this.#triedAt = this.#now()
    try {
      await this.#load()
      this.#isLoaded = true
      return 'loaded'
    } catch {
      return 'failed'
    }
  }
}
