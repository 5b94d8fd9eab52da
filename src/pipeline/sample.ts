/**
 * A sample of a fixed size from a stream of any length: the items whose key hashes lowest, which is a uniform choice that does
 * not depend on the order in which they come and repeats (bottom-k sampling; Cohen and Kaplan 2007).
 */
export class BottomSample<T> {
  readonly #size: number
  readonly #kept: { readonly hash: number; readonly item: T }[] = []
  #seen = 0

  /** @param size most items kept. */
  constructor(size: number) {
    this.#size = size
  }

  /** @param key what tells the item from others. */
  add(item: T, key: string): void {
    this.#seen++
    const hash = mixed(key)
    const last = this.#kept.at(-1)
    if (this.#kept.length === this.#size && last && hash >= last.hash) return
    const place = this.#kept.findIndex((kept) => kept.hash > hash)
    this.#kept.splice(place < 0 ? this.#kept.length : place, 0, { hash, item })
    if (this.#kept.length > this.#size) this.#kept.pop()
  }

  /** How many came. */
  get seen(): number {
    return this.#seen
  }

  /** Those kept, in the order of their hashes. */
  get items(): T[] {
    return this.#kept.map(({ item }) => item)
  }
}

/** FNV-1a of a text's UTF-16 units, its bits mixed by MurmurHash3's finaliser so that its order tells nothing of the text. */
function mixed(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
