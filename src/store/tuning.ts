import { createStore, get, set } from 'idb-keyval'

/** Keeps the autotuner's choices from one visit to the next; keys name adapter, operation and shape. */
export class StoredTuning {
  readonly #store: ReturnType<typeof createStore>

  /** @param name the IndexedDB database. */
  constructor(name = 'clip-dpo.tuning') {
    this.#store = createStore(name, 'choices')
  }

  async get(key: string): Promise<string | undefined> {
    return await get<string>(key, this.#store)
  }

  async set(key: string, choice: string): Promise<void> {
    await set(key, choice, this.#store)
  }
}
