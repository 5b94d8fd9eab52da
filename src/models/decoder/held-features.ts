import type { TokenPair } from './token-pairs.ts'

/** Image features of the pairs that are to be computed next, and of no others. */
export class HeldFeatures {
  readonly #pairs: readonly TokenPair[]
  readonly #source: ((pair: number) => Promise<Float32Array | undefined>) | undefined
  /** By their prefix's key. */
  #held = new Map<string, Float32Array>()

  /** @param source asked for the features of the pair at a place in `pairs`. Default none: prefixes hold their own. */
  constructor(
    pairs: readonly TokenPair[],
    source: ((pair: number) => Promise<Float32Array | undefined>) | undefined,
  ) {
    this.#pairs = pairs
    this.#source = source
  }

  /** Holds the features of the pairs at these places, in the place of those held before. */
  async fetch(places: readonly number[]): Promise<void> {
    if (!this.#source) return
    const held = new Map<string, Float32Array>()
    for (const place of places) {
      const { key } = (this.#pairs[place] as TokenPair).prefix
      if (held.has(key)) continue
      const features = this.#held.get(key) ?? (await this.#source(place))
      if (features) held.set(key, features)
    }
    this.#held = held
  }

  /** The pair at a place, with its features where they are held. */
  pair(place: number): TokenPair {
    const pair = this.#pairs[place] as TokenPair
    const features = this.#held.get(pair.prefix.key)
    return features ? { ...pair, prefix: { ...pair.prefix, features } } : pair
  }
}
