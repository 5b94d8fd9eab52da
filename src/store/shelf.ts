import { promisifyRequest, type UseStore } from 'idb-keyval'
import { attempt, below, type OpenDatabase, openDatabase, type ShelfKey, transact } from './database.ts'
import { damage, type Entry, entryOf, GROUPS, type Item, remove, write } from './entries.ts'
import type { Kind, References } from './kinds.ts'
import { MIGRATIONS, type Migration, type Migrations, migrate, tooNew } from './layout.ts'
import { type StorageManagerLike, storageFull } from './quota.ts'

/** A value that was damaged; it has been dropped. */
export interface Corruption {
  readonly kind: Kind
  readonly key: ShelfKey
  readonly reason: string
}

export interface ShelfOptions {
  /** Is told of every damaged value. Default a warning on the console. */
  readonly onCorrupt?: (corruption: Corruption) => void
  /** Before the databases' names. Default `clip-dpo`. */
  readonly prefix?: string
  /** Default those that what is out there needs. */
  readonly migrations?: Migrations
  /** Default IndexedDB; a test may give one that is full. */
  readonly open?: OpenDatabase
  /** Default the browser's. */
  readonly manager?: StorageManagerLike
}

/** Bytes by key in one database, each with its sum, under a small index. */
export class Shelf {
  readonly kind: Kind
  readonly #name: string
  readonly #database: UseStore
  readonly #migrations: readonly Migration[]
  readonly #manager: StorageManagerLike
  readonly #onCorrupt: (key: ShelfKey, reason: string) => void
  #ready: Promise<void> | undefined

  constructor(kind: Kind, options: ShelfOptions = {}) {
    const { prefix = 'clip-dpo', open = openDatabase, migrations = MIGRATIONS, onCorrupt = warn } = options
    this.kind = kind
    this.#name = `${prefix}.${kind}`
    this.#database = open(this.#name)
    this.#migrations = migrations[kind] ?? []
    this.#manager = options.manager ?? navigator.storage
    this.#onCorrupt = (key, reason) => onCorrupt({ kind, key, reason })
  }

  async has(key: ShelfKey): Promise<boolean> {
    return (await this.hasMany([key])).every(Boolean)
  }

  /** Which values are there, by the index alone. */
  async hasMany(keys: readonly ShelfKey[]): Promise<boolean[]> {
    const found = await this.#run('readonly', (store) =>
      Promise.all(keys.map((key) => promisifyRequest(store.getKey(['index', ...key])))),
    )
    return found.map((key) => key !== undefined)
  }

  /** How many values there are below a prefix. */
  async count(prefix: ShelfKey = []): Promise<number> {
    return await this.#run('readonly', (store) => promisifyRequest(store.count(below('index', prefix))))
  }

  /** Keys below a prefix, in order: numbers by size, then names by their code units. */
  async keys(prefix: ShelfKey = []): Promise<ShelfKey[]> {
    const range = below('index', prefix)
    return (await this.#run('readonly', (store) => promisifyRequest(store.getAllKeys(range)))).map(inGroup)
  }

  /** Keys below a prefix, in order, with what the index knows. */
  async entries(prefix: ShelfKey = []): Promise<(Entry & { readonly key: ShelfKey })[]> {
    const range = below('index', prefix)
    const [keys, entries] = await this.#run('readonly', (store) =>
      Promise.all([
        promisifyRequest(store.getAllKeys(range)),
        promisifyRequest<Entry[]>(store.getAll(range)),
      ]),
    )
    return entries.map((entry, i) => ({ ...entry, key: inGroup(keys[i] ?? []) }))
  }

  /** What the values below a prefix refer to, one item for each that refers to anything. */
  async references(prefix: ShelfKey = []): Promise<References[]> {
    const range = below('refers', prefix)
    return await this.#run('readonly', (store) => promisifyRequest<References[]>(store.getAll(range)))
  }

  /** A value, or undefined when there is none or it was damaged; a damaged one is reported and dropped. */
  async get(key: ShelfKey): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return (await this.getMany([key]))[0]
  }

  /** Several values in one transaction, as `get` gives one. */
  async getMany(keys: readonly ShelfKey[]): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    const found = await this.#run('readonly', (store) =>
      Promise.all(
        keys.map(
          async (key) =>
            [
              key,
              ...(await Promise.all([
                promisifyRequest<Entry | undefined>(store.get(['index', ...key])),
                attempt<unknown>(store.get(['value', ...key])),
              ])),
            ] as const,
        ),
      ),
    )
    return await Promise.all(
      found.map(async ([key, entry, read]) => {
        if (!entry) return undefined
        const latest = 1 + this.#migrations.length
        if (entry.layout > latest) throw tooNew(this.#name, latest, entry.layout)
        if ('failure' in read) return await this.drop(key, entry, read.failure)
        const reason =
          entry.layout < latest
            ? `expected layout ${latest}, found ${entry.layout}`
            : await damage(entry, read.value)
        return reason === undefined
          ? (read.value as Uint8Array<ArrayBuffer>)
          : await this.drop(key, entry, reason)
      }),
    )
  }

  /** Stores a value in place of one of the same key. @throws {StorageFullError} leaving what there was. */
  async put(item: Item): Promise<void> {
    await this.putMany([item])
  }

  /**
   * Stores several values, all or none.
   * @param instead of these keys, which go in the same moment.
   * @throws {StorageFullError} leaving what there was.
   */
  async putMany(items: readonly Item[], instead: readonly ShelfKey[] = []): Promise<void> {
    const latest = 1 + this.#migrations.length
    const entries = await Promise.all(
      items.map(async (item) => [item, await entryOf(item.bytes, latest)] as const),
    )
    const byteLength = items.reduce((total, { bytes }) => total + bytes.byteLength, 0)
    await this.#run(
      'readwrite',
      async (store) => {
        for (const key of instead) remove(store, key)
        for (const [item, entry] of entries) write(store, item, entry)
      },
      byteLength,
    )
  }

  /** Removes values; keys without one are passed over. */
  async delete(keys: readonly ShelfKey[]): Promise<void> {
    await this.#run('readwrite', async (store) => {
      for (const key of keys) remove(store, key)
    })
  }

  /** Removes all values below a prefix. */
  async deleteBelow(prefix: ShelfKey): Promise<void> {
    await this.#run('readwrite', async (store) => {
      for (const group of GROUPS) store.delete(below(group, prefix))
    })
  }

  /** Drops a value that turned out damaged, unless another has taken its place, and reports it. */
  async drop(key: ShelfKey, entry: Pick<Entry, 'sum'>, reason: string): Promise<undefined> {
    await this.#run('readwrite', async (store) => {
      const now = await promisifyRequest<Entry | undefined>(store.get(['index', ...key]))
      if (now?.sum === entry.sum) remove(store, key)
    })
    this.#onCorrupt(key, reason)
  }

  /** One transaction, the layout being brought up to date before the first. */
  async #run<T>(
    mode: IDBTransactionMode,
    use: (store: IDBObjectStore) => Promise<T>,
    byteLength = 0,
  ): Promise<T> {
    try {
      this.#ready ??= migrate(this.#name, this.#database, this.#migrations, this.#onCorrupt)
      await this.#ready.catch((error: unknown) => {
        this.#ready = undefined // the next use goes on where this one was broken off
        throw error
      })
      return await transact(this.#database, mode, use)
    } catch (cause) {
      if (!(cause instanceof Error && cause.name === 'QuotaExceededError')) throw cause
      const { usage = 0, quota = 0 } = await this.#manager.estimate()
      throw storageFull(byteLength, { usage, quota }, cause)
    }
  }
}

function inGroup(key: IDBValidKey): ShelfKey {
  return (key as (string | number)[]).slice(1)
}

function warn({ kind, key, reason }: Corruption): void {
  console.warn(`${kind}/${key.join('/')} was damaged and has been dropped: ${reason}`)
}
