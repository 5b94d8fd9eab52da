import { afterEach, expect, test } from 'vitest'
import { type OpenDatabase, openDatabase, transact } from '../../src/store/database.ts'
import { FloatCache } from '../../src/store/float-cache.ts'
import { Shelf } from '../../src/store/shelf.ts'

const prefix = () => `test-features-${crypto.randomUUID()}`
const opened: string[] = []
const open: OpenDatabase = (name) => {
  opened.push(name)
  return openDatabase(name)
}
afterEach(() => {
  for (const name of opened.splice(0)) indexedDB.deleteDatabase(name)
})

const maxBytes = 2 ** 20
const values = (value: number, length = 8) => new Float32Array(length).fill(value)

test('arrays come back as they went, for their own owner only', async () => {
  const shelf = new Shelf('features', { prefix: prefix(), open })
  const features = new FloatCache('e', { shelf, maxBytes })
  const whole = values(3, 16)
  await features.setMany([
    ['a', values(1)],
    ['b', whole.subarray(4, 12)],
  ])
  expect(await features.getMany(['b', 'x', 'a'])).toEqual([values(3), undefined, values(1)])
  expect(await new FloatCache('f', { shelf, maxBytes }).getMany(['a'])).toEqual([undefined])
})

test('at the bound others make room, those of other owners first', async () => {
  const shelf = new Shelf('features', { prefix: prefix(), open })
  await new FloatCache('z', { shelf, maxBytes }).setMany([['old', values(0)]])
  const features = new FloatCache('e', { shelf, maxBytes: 96 })
  await features.setMany([
    ['a', values(1)],
    ['b', values(2)],
  ])
  await features.setMany([['c', values(3)]])
  expect((await shelf.keys()).map((key) => key.join('/'))).toEqual(['e/a', 'e/b', 'e/c'])
  await features.setMany([['d', values(4)]])
  expect(await features.getMany(['d', 'c'])).toEqual([values(4), values(3)])
  expect((await shelf.entries()).reduce((n, { byteLength }) => n + byteLength, 0)).toBeLessThanOrEqual(96)
  await features.setMany([['huge', values(5, 100)]])
  expect(await features.getMany(['huge', 'd'])).toEqual([undefined, values(4)])
})

test('a damaged one is dropped and computed again', async () => {
  const name = prefix()
  const shelf = new Shelf('features', { prefix: name, open, onCorrupt: () => {} })
  const features = new FloatCache('e', { shelf, maxBytes })
  await features.setMany([['a', values(1)]])
  await transact(openDatabase(`${name}.features`), 'readwrite', async (store) =>
    store.put(new Uint8Array(32), ['value', 'e', 'a']),
  )
  expect(await features.getMany(['a'])).toEqual([undefined])
})

test('where storage is full nothing is stored, and nothing fails', async () => {
  const full: OpenDatabase = (name) => {
    const database = open(name)
    return async (mode, use) => {
      if (mode === 'readwrite' && isFull) throw new DOMException('full', 'QuotaExceededError')
      return await database(mode, use)
    }
  }
  let isFull = false
  const features = new FloatCache('e', {
    shelf: new Shelf('features', { prefix: prefix(), open: full }),
    maxBytes,
  })
  await features.setMany([['a', values(1)]])
  isFull = true
  await features.setMany([['b', values(2)]])
  expect(await features.getMany(['a', 'b'])).toEqual([values(1), undefined])
})
