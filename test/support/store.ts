import { createStore, del, get, set } from 'idb-keyval'
import { openDatabase, type ShelfKey } from '../../src/store/database.ts'
import { KINDS, type Kind } from '../../src/store/kinds.ts'
import type { Corruption, ShelfOptions } from '../../src/store/shelf.ts'

let count = 0

/** A store of its own for one test, and what it reported. */
export interface TestStore {
  readonly options: ShelfOptions & { readonly prefix: string }
  readonly corruptions: Corruption[]
}

/** Options under a name that no other test uses. */
export function testStore(options: ShelfOptions = {}): TestStore {
  const corruptions: Corruption[] = []
  const prefix = `store-test-${performance.timeOrigin}-${count++}`
  return { options: { prefix, onCorrupt: (c) => corruptions.push(c), ...options }, corruptions }
}

/** What a database holds of one value, past all checks. */
export class Raw {
  readonly #store: ReturnType<typeof createStore>

  constructor({ options }: TestStore, kind: Kind) {
    this.#store = createStore(`${options.prefix}.${kind}`, 'values')
  }

  async get<T>(key: ShelfKey | string): Promise<T | undefined> {
    return await get<T>(key as IDBValidKey, this.#store)
  }

  async set(key: ShelfKey | string, value: unknown): Promise<void> {
    await set(key as IDBValidKey, value, this.#store)
  }

  async delete(key: ShelfKey): Promise<void> {
    await del([...key], this.#store)
  }

  /** Turns over one bit of a value. */
  async damage(key: ShelfKey, at = 0): Promise<void> {
    const bytes = await this.get<Uint8Array>(['value', ...key])
    if (!bytes) throw new Error(`expected a value at ${key.join('/')} to damage, found none`)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await this.set(['value', ...key], bytes)
  }
}

/** A database whose transactions fail, as on a full disk, from the given writing one on. */
export function fullAfter(writes: number): typeof openDatabase {
  let left = writes
  return (name) => {
    const database = openDatabase(name)
    return ((mode, use) =>
      database(mode, async (objects) => {
        const pending = use(objects)
        if (mode !== 'readwrite' || left-- > 0) return await pending
        const error = new DOMException('no room', 'QuotaExceededError')
        Object.defineProperty(objects.transaction, 'error', { value: error })
        objects.transaction.abort()
        return await pending
      })) as typeof database
  }
}

/** Removes a test's databases. */
export function removeStore({ options }: TestStore): void {
  for (const kind of KINDS) indexedDB.deleteDatabase(`${options.prefix}.${kind}`)
}

/** Bytes that are not all alike. */
export function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 255)
}
