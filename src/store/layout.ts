import { promisifyRequest, type UseStore } from 'idb-keyval'
import { attempt, below, type ShelfKey, transact } from './database.ts'
import { damage, type Entry, entryOf, type Item, remove, write } from './entries.ts'
import { LayoutError } from './errors.ts'
import type { Kind, References } from './kinds.ts'
import { withLock } from './locks.ts'

/** Rewrites one value from a version of the layout to the next; undefined drops it. It must not depend on other values. */
export type Migration = (item: Item) => Item | undefined | Promise<Item | undefined>

/** From version 1 of a kind's layout to 2, from 2 to 3 and so on; kinds without one are of version 1. */
export type Migrations = Readonly<Partial<Record<Kind, readonly Migration[]>>>

/** Those that what is out there needs. */
export const MIGRATIONS: Migrations = {}

/** Where a database keeps its version. */
const LAYOUT = 'layout'

/**
 * Brings all values of a database to the latest layout, one transaction each. Every index entry tells its own version,
 * so one that is broken off goes on where it stopped; the database's version is raised last.
 * @param name of the database; two tabs do not migrate it at once.
 * @param migrations from version 1 to 2, from 2 to 3 and so on.
 * @param onCorrupt is told of values that were damaged; they are dropped.
 * @throws {LayoutError} when the database is of a version not known here.
 */
export async function migrate(
  name: string,
  database: UseStore,
  migrations: readonly Migration[],
  onCorrupt: (key: ShelfKey, reason: string) => void,
): Promise<void> {
  const latest = 1 + migrations.length
  const version = await transact(database, 'readwrite', async (store) => {
    const found = await promisifyRequest<number | undefined>(store.get(LAYOUT))
    if (found === undefined) store.put(latest, LAYOUT)
    return found ?? latest
  })
  if (version > latest) throw tooNew(name, latest, version)
  if (version === latest) return
  await withLock(`${name} migration`, async () => {
    for (const key of await outdated(database, latest)) await migrateOne(database, key, migrations, onCorrupt)
    await transact(database, 'readwrite', async (store) => store.put(latest, LAYOUT))
  })
}

/** The error for what a newer page wrote. */
export function tooNew(name: string, latest: number, found: number): LayoutError {
  return new LayoutError(
    `${name}: expected layout ${latest} or older, got ${found}, which a newer version of this page wrote: reload the page`,
  )
}

async function outdated(database: UseStore, latest: number): Promise<ShelfKey[]> {
  const [keys, entries] = await transact(database, 'readonly', (store) =>
    Promise.all([
      promisifyRequest(store.getAllKeys(below('index', []))),
      promisifyRequest<Entry[]>(store.getAll(below('index', []))),
    ]),
  )
  return keys
    .filter((_, i) => (entries[i]?.layout ?? latest) < latest)
    .map((key) => (key as (string | number)[]).slice(1))
}

async function migrateOne(
  database: UseStore,
  key: ShelfKey,
  migrations: readonly Migration[],
  onCorrupt: (key: ShelfKey, reason: string) => void,
): Promise<void> {
  const [entry, refers, read] = await transact(database, 'readonly', (store) =>
    Promise.all([
      promisifyRequest<Entry | undefined>(store.get(['index', ...key])),
      promisifyRequest<References | undefined>(store.get(['refers', ...key])),
      attempt<unknown>(store.get(['value', ...key])),
    ]),
  )
  if (!entry) return
  const reason = 'failure' in read ? read.failure : await damage(entry, read.value)
  let item: Item | undefined
  if (reason === undefined) {
    const bytes = (read as { value: Uint8Array<ArrayBuffer> }).value
    item = { key, bytes, ...(refers ? { refers } : {}) }
    for (const step of migrations.slice(entry.layout - 1)) item = item && (await step(item))
  }
  const next = item && (await entryOf(item.bytes, 1 + migrations.length))
  await transact(database, 'readwrite', async (store) => {
    const now = await promisifyRequest<Entry | undefined>(store.get(['index', ...key]))
    if (now?.sum !== entry.sum || now.layout !== entry.layout) return // replaced meanwhile
    remove(store, key)
    if (item && next) write(store, item, next)
  })
  if (reason !== undefined) onCorrupt(key, reason)
}
