import { type StorageState, storageNote, storageState } from '../store/quota.ts'
import type { RunEvent } from './events.ts'

/** How often it is looked while a run goes on, milliseconds. */
const LOOK_MS = 30_000
const LEVELS: readonly StorageState['level'][] = ['ok', 'low', 'full']

/** Passes a run's events on, and tells when the storage comes to be nearly full or full, at each of these once. */
export class StorageWatch {
  readonly #emit: (event: RunEvent) => void
  readonly #state: () => Promise<StorageState>
  readonly #now: () => number
  #told = 0
  #looked = Number.NEGATIVE_INFINITY

  /** @param state default the browser's. @param now milliseconds, for tests. */
  constructor(
    emit: (event: RunEvent) => void,
    state: () => Promise<StorageState> = storageState,
    now: () => number = () => performance.now(),
  ) {
    this.#emit = emit
    this.#state = state
    this.#now = now
  }

  readonly emit = (event: RunEvent): void => {
    this.#emit(event)
    if (this.#now() - this.#looked >= LOOK_MS) void this.look().catch(() => {}) // a run does not depend on it
  }

  async look(): Promise<void> {
    this.#looked = this.#now()
    const state = await this.#state()
    const note = storageNote(state)
    const level = LEVELS.indexOf(state.level)
    if (note === undefined || level <= this.#told) return
    this.#told = level
    this.#emit({ kind: 'note', text: note })
  }
}
