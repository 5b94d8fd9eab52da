import { afterEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database.ts'
import { LayoutError } from '../../src/store/errors.ts'
import type { Migration } from '../../src/store/layout.ts'
import { Shelf, type ShelfOptions } from '../../src/store/shelf.ts'
import { bytesOf, Raw, removeStore, type TestStore, testStore } from '../support/store.ts'

let store: TestStore
afterEach(() => removeStore(store))

const append: Migration = ({ bytes, ...item }) => ({ ...item, bytes: Uint8Array.of(...bytes, 2) })
/** Renames, past all keys that are still to come. */
const rename: Migration = ({ key, ...item }) => ({ ...item, key: [`z${key[0]}`] })

async function oldStore(): Promise<void> {
  store = testStore()
  const shelf = new Shelf('images', store.options)
  for (let i = 0; i < 6; i++)
    await shelf.put({ key: [`k${i}`], bytes: bytesOf(4, i), refers: { images: [`r${i}`] } })
}
const at = (options: ShelfOptions, ...migrations: Migration[]): Shelf =>
  new Shelf('images', { ...store.options, ...options, migrations: { images: migrations } })
const version = (): Promise<number | undefined> => new Raw(store, 'images').get('layout')

async function contents(shelf: Shelf): Promise<unknown> {
  const keys = await shelf.keys()
  return (await shelf.getMany(keys)).map((bytes, i) => [keys[i]?.[0], bytes && [...bytes]])
}

const migrated = (...suffix: number[]): unknown =>
  Array.from({ length: 6 }, (_, i) => [`zk${i}`, [...bytesOf(4, i), ...suffix]])

test('a new database is of the latest layout', async () => {
  store = testStore()
  await at({}, append, rename).put({ key: ['a'], bytes: bytesOf(1) })
  expect(await version()).toBe(3)
  expect(await contents(at({}, append, rename))).toEqual([['a', [...bytesOf(1)]]])
})

test('values are brought through all versions, with what they refer to', async () => {
  await oldStore()
  const shelf = at({}, append, rename)
  expect(await contents(shelf)).toEqual(migrated(2))
  expect(await shelf.references()).toEqual(Array.from({ length: 6 }, (_, i) => ({ images: [`r${i}`] })))
  expect(await version()).toBe(3)
  expect(store.corruptions).toEqual([])
})

test.each([1, 3, 6])('a migration that breaks off at value %i goes on from there', async (broken) => {
  await oldStore()
  let calls = 0
  const breaking: Migration = (item) => {
    if (++calls === broken) throw new Error('the tab was closed')
    return rename(item)
  }
  await expect(at({}, append, breaking).keys()).rejects.toThrow('the tab was closed')
  expect(await version()).toBe(1)
  calls = 0
  const counting: Migration = (item) => {
    calls++
    return rename(item)
  }
  const resumed = at({}, append, counting)
  expect(await contents(resumed)).toEqual(migrated(2))
  expect(calls).toBe(6 - (broken - 1)) // none twice: 2 would have been appended again
  expect(await version()).toBe(3)
})

test('the same page goes on as well once what stopped it is gone', async () => {
  await oldStore()
  let isBroken = true
  const shelf = at({}, (item) => {
    if (isBroken) throw new Error('not now')
    return append(item)
  })
  await expect(shelf.count()).rejects.toThrow('not now')
  isBroken = false
  expect(await shelf.count()).toBe(6)
  expect(await version()).toBe(2)
})

test('a migration cut off inside its transaction leaves the value as it was', async () => {
  await oldStore()
  let writes = 0
  const open = (name: string) => {
    const database = openDatabase(name)
    return ((mode, use) =>
      database(mode, (objects) => {
        if (mode === 'readwrite' && ++writes === 4) objects.transaction.abort()
        return use(objects)
      })) as typeof database
  }
  await expect(at({ open }, append, rename).keys()).rejects.toThrow()
  expect(await contents(at({}, append, rename))).toEqual(migrated(2))
})

test('two tabs at once migrate every value once', async () => {
  await oldStore()
  const shelves = [at({}, append, rename), at({}, append, rename)]
  for (const found of await Promise.all(shelves.map(contents))) expect(found).toEqual(migrated(2))
})

test('values that a migration gives up or finds damaged go, the latter with a report', async () => {
  await oldStore()
  await new Raw(store, 'images').damage(['k2'])
  const shelf = at({}, (item) => (item.key[0] === 'k4' ? undefined : item))
  expect(await shelf.keys()).toEqual([['k0'], ['k1'], ['k3'], ['k5']])
  expect(store.corruptions).toMatchObject([{ kind: 'images', key: ['k2'] }])
})

test('what a newer page wrote is refused', async () => {
  await oldStore()
  await at({}, append).keys()
  await expect(new Shelf('images', store.options).get(['k0'])).rejects.toThrow(LayoutError)
  await expect(new Shelf('images', store.options).keys()).rejects.toThrow(
    /images: expected layout 1 or older, got 2, .* reload the page/,
  )
})

test('what an older page, still open, writes later is not taken for the latest layout', async () => {
  await oldStore()
  const older = new Shelf('images', store.options)
  await older.keys()
  const shelf = at({}, append)
  await shelf.keys()
  await older.put({ key: ['late'], bytes: bytesOf(3) })
  expect(await shelf.get(['late'])).toBeUndefined()
  expect(store.corruptions).toEqual([{ kind: 'images', key: ['late'], reason: 'expected layout 2, found 1' }])
  await expect(older.get(['k0'])).rejects.toThrow(LayoutError)
})
