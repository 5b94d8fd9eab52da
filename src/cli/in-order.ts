/** Hands results on in the order of their places, each as soon as all before it are there. */
export class InOrder<T> {
  readonly #take: (result: T) => void
  readonly #waiting = new Map<number, T>()
  #next = 0

  constructor(take: (result: T) => void) {
    this.#take = take
  }

  /** @param place counted from 0, each once. */
  add(place: number, result: T): void {
    this.#waiting.set(place, result)
    for (; this.#waiting.has(this.#next); this.#next++) {
      this.#take(this.#waiting.get(this.#next) as T)
      this.#waiting.delete(this.#next)
    }
  }
}
