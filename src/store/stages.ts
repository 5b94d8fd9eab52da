import type { ShelfKey } from './database.ts'
import { IncompleteStageError } from './errors.ts'
import type { References } from './kinds.ts'
import { pack, unpack } from './packing.ts'
import type { Shelf } from './shelf.ts'

/** Names a part of a stage's output; numbers come in their order, before names. */
export type UnitKey = string | number

/** That a stage has ended, with its last word. */
interface Done<S> {
  readonly summary: S
  /** How many units it made, to notice when one is lost. */
  readonly units: number
}

/**
 * The output of one stage under the hash of all that determined it, in units: the smallest parts that are made, stored
 * and resumed, such as the captions of a few images. Values are JSON with typed arrays (`pack`).
 * @typeParam T a unit. @typeParam S the summary.
 */
export class StageStore<T, S = unknown> {
  readonly hash: string
  readonly #shelf: Shelf

  constructor(shelf: Shelf, hash: string) {
    this.#shelf = shelf
    this.hash = hash
  }

  /** Whether a unit is there, by the index alone. */
  async has(unit: UnitKey): Promise<boolean> {
    return await this.#shelf.has(this.#key(unit))
  }

  /** The units that are there, in order, by the index alone. */
  async keys(): Promise<UnitKey[]> {
    return (await this.#shelf.keys([this.hash, 'unit'])).map((key) => key[2] as UnitKey)
  }

  /** A unit, or undefined when it has not been made or was damaged. */
  async get(unit: UnitKey): Promise<T | undefined> {
    const bytes = await this.#shelf.get(this.#key(unit))
    return bytes && (unpack(bytes) as T)
  }

  /**
   * Stores a unit, whole or not at all.
   * @param refers what of other kinds it needs; store that first.
   * @throws {StorageFullError} when there is no room. @throws {TypeError} for what `pack` refuses.
   */
  async put(unit: UnitKey, value: T, refers?: References): Promise<void> {
    await this.#shelf.put({ key: this.#key(unit), bytes: pack(value), ...(refers ? { refers } : {}) })
  }

  /** A unit of a stage that has ended. @throws {IncompleteStageError} when it turns out damaged. */
  async expect(unit: UnitKey): Promise<T> {
    const value = await this.get(unit)
    if (value !== undefined) return value
    throw this.#incomplete(`unit ${unit}, found none or a damaged one`)
  }

  /**
   * All units in order, of which one at a time is held.
   * @throws {IncompleteStageError} when one turns out damaged, or was dropped since the stage ended: what is computed from the
   *   others alone would be wrong.
   */
  async *units(): AsyncGenerator<readonly [UnitKey, T]> {
    const keys = await this.keys()
    const made = (await this.#mark())?.units ?? keys.length
    if (keys.length < made) throw this.#incomplete(`${made} units, found ${keys.length}`)
    for (const unit of keys) yield [unit, await this.expect(unit)]
  }

  /** Marks the stage as ended; what `done` gives from now on. */
  async finish(summary: S): Promise<void> {
    const units = await this.#shelf.count([this.hash, 'unit'])
    const done: Done<S> = { summary, units }
    await this.#shelf.putMany([{ key: [this.hash, 'done'], bytes: pack(done) }], [[this.hash, 'spent']])
  }

  /** Seconds that its making has taken so far, where it has not ended; 0 where nothing is known of it. */
  async spent(): Promise<number> {
    const bytes = await this.#shelf.get([this.hash, 'spent'])
    return bytes ? (unpack(bytes) as number) : 0
  }

  /** Keeps how many seconds its making has taken so far. @throws {StorageFullError} */
  async spend(seconds: number): Promise<void> {
    await this.#shelf.put({ key: [this.hash, 'spent'], bytes: pack(seconds) })
  }

  /** The summary of a stage that has ended and whose units are all there, otherwise undefined. */
  async done(): Promise<{ readonly summary: S } | undefined> {
    const mark = await this.#mark()
    if (!mark) return undefined
    const { summary, units } = mark
    return (await this.#shelf.count([this.hash, 'unit'])) === units ? { summary } : undefined
  }

  /** Removes a unit that has become worthless, such as one that refers to an image that was lost; the stage is no longer done. */
  async remove(unit: UnitKey): Promise<void> {
    await this.#shelf.delete([this.#key(unit)])
  }

  /** Removes the units and the mark. */
  async clear(): Promise<void> {
    await this.#shelf.deleteBelow([this.hash])
  }

  async #mark(): Promise<Done<S> | undefined> {
    const bytes = await this.#shelf.get([this.hash, 'done'])
    return bytes && (unpack(bytes) as Done<S>)
  }

  #incomplete(expected: string): IncompleteStageError {
    return new IncompleteStageError(
      `${this.#shelf.kind}/${this.hash}: expected ${expected}: run the stage again, it makes what is missing`,
    )
  }

  #key(unit: UnitKey): ShelfKey {
    return [this.hash, 'unit', unit]
  }
}
