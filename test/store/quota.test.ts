import { promisifyRequest } from 'idb-keyval'
import { afterEach, expect, test } from 'vitest'
import { CheckpointStore } from '../../src/store/checkpoints.ts'
import { openDatabase } from '../../src/store/database.ts'
import { StorageFullError } from '../../src/store/errors.ts'
import { askPersistence, type StorageManagerLike, storageNote, storageState } from '../../src/store/quota.ts'
import { Shelf } from '../../src/store/shelf.ts'
import { StageStore } from '../../src/store/stages.ts'
import { bytesOf, fullAfter, removeStore, type TestStore, testStore } from '../support/store.ts'

let store: TestStore
afterEach(() => removeStore(store))

const MEGABYTE = 1e6
function disk(usage: number, quota: number, isPersisted = false): StorageManagerLike {
  let persisted = isPersisted
  return {
    estimate: async () => ({ usage, quota }),
    persisted: async () => persisted,
    persist: async () => {
      persisted = true
      return persisted
    },
  }
}

test('a full disk is one error that says what to do, and what was stored stays', async () => {
  store = testStore({ open: fullAfter(3), manager: disk(100 * MEGABYTE, 100 * MEGABYTE) })
  const stage = new StageStore<unknown, string>(new Shelf('candidates', store.options), 'h')
  await stage.put(0, { text: 'a' }) // after the layout's own
  await stage.put(1, { text: 'b' })
  const failure = await stage.put(2, { text: 'c', logps: new Float32Array(100) }).catch((e: unknown) => e)
  expect(failure).toBeInstanceOf(StorageFullError)
  expect(failure).toMatchObject({
    name: 'StorageFullError',
    message: expect.stringMatching(
      /expected room for .*, got 0.00 MB of 100 MB: delete runs or free disk space, .*then resume; nothing/,
    ),
  })
  const { open: _, ...roomy } = store.options
  const resumed = new StageStore<unknown, string>(new Shelf('candidates', roomy), 'h')
  expect(await resumed.keys()).toEqual([0, 1])
  expect(await resumed.get(1)).toEqual({ text: 'b' })
  await resumed.put(2, { text: 'c' })
  await resumed.finish('end')
  expect(await resumed.done()).toEqual({ summary: 'end' })
})

test('a full disk in place of a new checkpoint leaves the ones before it', async () => {
  store = testStore({ open: fullAfter(3), manager: disk(0, 10_000 * MEGABYTE) })
  const checkpoints = new CheckpointStore(new Shelf('checkpoints', store.options), 'h')
  await checkpoints.save({ step: 1, bytes: bytesOf(9, 1) })
  await checkpoints.save({ step: 2, bytes: bytesOf(9, 2) })
  const saving = checkpoints.save({ step: 3, bytes: bytesOf(9, 3) })
  await expect(saving).rejects.toThrow(StorageFullError)
  await expect(saving).rejects.toThrow(/, the browser has none left: /) // whatever it calls its quota
  const { open: _, ...roomy } = store.options
  const shelf = new Shelf('checkpoints', roomy)
  expect((await shelf.keys()).map((key) => key[2])).toEqual([1, 2])
})

test('errors of another kind are not taken for a full disk', async () => {
  store = testStore({
    open: (name) => {
      const database = openDatabase(name)
      return ((mode, use) =>
        database(mode, (objects) => {
          if (mode === 'readwrite') throw new DOMException('broken', 'UnknownError')
          return use(objects)
        })) as typeof database
    },
  })
  await expect(new Shelf('images', store.options).put({ key: ['a'], bytes: bytesOf(1) })).rejects.toThrow(
    'broken',
  )
})

/** Chromium's storage buckets, whose quota a page may set. */
interface Bucket {
  readonly indexedDB: IDBFactory
}
interface Buckets {
  open(name: string, options: { quota: number }): Promise<Bucket>
  delete(name: string): Promise<void>
}

test('the browser’s own error, when a quota is reached, is that error too', async () => {
  const { storageBuckets } = navigator as unknown as { storageBuckets: Buckets }
  const bucket = await storageBuckets.open('quota-test', { quota: 4 * MEGABYTE })
  try {
    const open: typeof openDatabase = (name) => async (mode, use) => {
      const request = bucket.indexedDB.open(name)
      request.onupgradeneeded = () => request.result.createObjectStore('values')
      const database = await promisifyRequest(request)
      try {
        return await use(database.transaction('values', mode).objectStore('values'))
      } finally {
        database.close()
      }
    }
    store = testStore({ open })
    const shelf = new Shelf('images', store.options)
    await shelf.put({ key: ['before'], bytes: bytesOf(1000) })
    const large = new Uint8Array(16 * MEGABYTE)
    for (let at = 0; at < large.length; at += 64000) crypto.getRandomValues(large.subarray(at, at + 64000))
    await expect(shelf.put({ key: ['after'], bytes: large })).rejects.toThrow(StorageFullError)
    expect(await shelf.keys()).toEqual([['before']])
    expect(await shelf.get(['before'])).toEqual(bytesOf(1000))
    expect(store.corruptions).toEqual([])
    await shelf.put({ key: ['after'], bytes: bytesOf(1000) })
    expect(await shelf.has(['after'])).toBe(true)
  } finally {
    await storageBuckets.delete('quota-test')
  }
})

test.each([
  [10, 'ok', undefined],
  [85, 'low', /is nearly full: 85 MB of 100 MB are used; free disk space/],
  [99, 'full', /is full: 99 MB of 100 MB are used; free disk space/],
])('%i of 100 MB is %s', async (usage, level, note) => {
  store = testStore()
  const state = await storageState(disk(usage * MEGABYTE, 100 * MEGABYTE))
  expect(state).toEqual({ usage: usage * MEGABYTE, quota: 100 * MEGABYTE, isPersisted: false, level })
  if (note) expect(storageNote(state)).toMatch(note)
  else expect(storageNote(state)).toBeUndefined()
})

test('the browser is asked once to keep what is stored', async () => {
  store = testStore()
  const manager = disk(0, 1)
  expect(await askPersistence(manager)).toBe(true)
  expect((await storageState(manager)).isPersisted).toBe(true)
  const deaf = { ...disk(0, 1), persist: async () => false }
  expect(await askPersistence(deaf)).toBe(false)
  expect(typeof (await storageState()).isPersisted).toBe('boolean') // the real one
})
