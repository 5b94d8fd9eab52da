import { createStore, promisifyRequest, type UseStore } from 'idb-keyval'

/** A path of names and numbers; those with the same beginning lie beside each other, in order. */
export type ShelfKey = readonly (string | number)[]

/** Opens a database by its name; a test may give one that is full or damaged. */
export type OpenDatabase = (name: string) => UseStore

export const openDatabase: OpenDatabase = (name) => createStore(name, 'values')

/** All keys of a group that begin with a prefix: lists sort after names and numbers. */
export function below(group: string, prefix: ShelfKey): IDBKeyRange {
  return IDBKeyRange.bound([group, ...prefix], [group, ...prefix, []])
}

/**
 * Reads or writes in one transaction: all of it is stored, or nothing.
 * @param use makes requests at once, without waiting for anything but them.
 * @throws {DOMException} the reason why the browser undid it, such as QuotaExceededError.
 */
export async function transact<T>(
  database: UseStore,
  mode: IDBTransactionMode,
  use: (store: IDBObjectStore) => Promise<T>,
): Promise<T> {
  return await database(mode, async (store) => {
    const ended = completion(store.transaction)
    ended.catch(() => {}) // awaited below
    let result: T
    try {
      result = await use(store)
    } catch (error) {
      abort(store.transaction)
      await ended // its reason says more than that of the request which fell with it
      throw error
    }
    await ended
    return result
  })
}

/** A request's result, or why there is none, without undoing the requests beside it: a stored file may be unreadable. */
export async function attempt<T>(request: IDBRequest<T>): Promise<{ value: T } | { failure: string }> {
  request.addEventListener('error', (event) => {
    event.preventDefault()
    event.stopPropagation()
  })
  try {
    return { value: await promisifyRequest(request) }
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

/** idb-keyval's own wait ends at the first failed request, when a transaction does not know its reason yet. */
function completion(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => {
      if (transaction.error) reject(transaction.error)
      else resolve() // undone by `use`, which says why
    })
  })
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // it has ended by itself
  }
}
