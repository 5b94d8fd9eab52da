import type { Shelf } from './shelf.ts'

/** A training's state after a step. */
export interface StoredCheckpoint {
  readonly step: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The last states of one training. Two are kept, so that one that turns out damaged costs a few steps and not all. */
export class CheckpointStore {
  readonly hash: string
  readonly #shelf: Shelf
  readonly #keep: number

  /** @param keep how many. Default 2. */
  constructor(shelf: Shelf, hash: string, keep = 2) {
    this.#shelf = shelf
    this.hash = hash
    this.#keep = keep
  }

  /**
   * Stores a state and, in the same moment, removes those of later steps and all but the last before it.
   * @throws {StorageFullError} leaving those there were.
   */
  async save({ step, bytes }: StoredCheckpoint): Promise<void> {
    const steps = await this.#steps()
    const before = steps.filter((other) => other < step)
    const kept = new Set(this.#keep > 1 ? before.slice(1 - this.#keep) : [])
    const stale = steps.filter((other) => other !== step && !kept.has(other)).map((other) => this.#key(other))
    await this.#shelf.putMany([{ key: this.#key(step), bytes }], stale)
  }

  /** The latest state that is whole, or undefined when there is none; damaged ones are reported and dropped. */
  async latest(): Promise<StoredCheckpoint | undefined> {
    for (const step of (await this.#steps()).reverse()) {
      const bytes = await this.#shelf.get(this.#key(step))
      if (bytes) return { step, bytes }
    }
    return undefined
  }

  /** Removes all of them, once the training has ended and its result is stored. */
  async clear(): Promise<void> {
    await this.#shelf.deleteBelow([this.hash, 'checkpoint'])
  }

  /** In order. */
  async #steps(): Promise<number[]> {
    return (await this.#shelf.keys([this.hash, 'checkpoint'])).map((key) => key[2] as number)
  }

  #key(step: number): readonly [string, 'checkpoint', number] {
    return [this.hash, 'checkpoint', step]
  }
}
