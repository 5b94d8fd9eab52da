import { afterEach, expect, test } from 'vitest'
import { CheckpointStore } from '../../src/store/checkpoints.ts'
import { ContentStore } from '../../src/store/content.ts'
import { openDatabase } from '../../src/store/database.ts'
import { IncompleteStageError } from '../../src/store/errors.ts'
import { Shelf } from '../../src/store/shelf.ts'
import { StageStore } from '../../src/store/stages.ts'
import { VectorStore, vectorKey } from '../../src/store/vectors.ts'
import { bytesOf, Raw, removeStore, type TestStore, testStore } from '../support/store.ts'

let made: TestStore[] = []
function fresh(): TestStore {
  const store = testStore()
  made.push(store)
  return store
}

afterEach(() => {
  for (const store of made) removeStore(store)
  made = []
})

test('values come back after the page is opened anew, and only what was asked for is read', async () => {
  const { options } = fresh()
  const shelf = new Shelf('images', options)
  await shelf.put({ key: ['a', 2], bytes: bytesOf(10) })
  await shelf.put({ key: ['a', 10], bytes: bytesOf(20), refers: { images: ['x'] } })
  await shelf.put({ key: ['ab', 1], bytes: bytesOf(0) })
  const again = new Shelf('images', options)
  expect(await again.get(['a', 10])).toEqual(bytesOf(20))
  expect(await again.get(['ab', 1])).toEqual(new Uint8Array())
  expect(await again.get(['a', 3])).toBeUndefined()
  expect(await again.has(['a', 2])).toBe(true)
  expect(await again.has(['a'])).toBe(false)
  expect(await again.keys(['a'])).toEqual([
    ['a', 2],
    ['a', 10],
  ])
  expect(await again.count()).toBe(3)
  expect((await again.entries(['a'])).map(({ byteLength }) => byteLength)).toEqual([10, 20])
  expect(await again.references()).toEqual([{ images: ['x'] }])
  await again.deleteBelow(['a'])
  expect(await again.keys()).toEqual([['ab', 1]])
  expect(await again.references()).toEqual([])
})

test('part of a buffer is stored without the rest', async () => {
  const store = fresh()
  await new Shelf('images', store.options).put({ key: ['a'], bytes: bytesOf(1000).subarray(10, 13) })
  const stored = await new Raw(store, 'images').get<Uint8Array>(['value', 'a'])
  expect(stored).toEqual(bytesOf(1000).slice(10, 13))
  expect(stored?.buffer.byteLength).toBe(3)
})

test.each([
  ['one bit of it', async (raw: Raw) => await raw.damage(['b'], 5), /expected SHA-256 \w+, found/],
  ['its end', async (raw: Raw) => await raw.set(['value', 'b'], bytesOf(3)), /expected 10 bytes, found 3/],
  ['all of it', async (raw: Raw) => await raw.delete(['value', 'b']), /expected 10 bytes, found undefined/],
])('a value that lost %s is reported, dropped and not given; the others are', async (_, harm, reason) => {
  const store = fresh()
  const shelf = new Shelf('images', store.options)
  await shelf.putMany(['a', 'b', 'c'].map((key) => ({ key: [key], bytes: bytesOf(10) })))
  await harm(new Raw(store, 'images'))
  expect(await shelf.getMany([['a'], ['b'], ['c']])).toEqual([bytesOf(10), undefined, bytesOf(10)])
  expect(store.corruptions).toEqual([{ kind: 'images', key: ['b'], reason: expect.stringMatching(reason) }])
  expect(await shelf.has(['b'])).toBe(false)
  expect(await shelf.get(['b'])).toBeUndefined()
  expect(store.corruptions).toHaveLength(1)
  await shelf.put({ key: ['b'], bytes: bytesOf(10) })
  expect(await shelf.get(['b'])).toEqual(bytesOf(10))
})

/** A database whose values lie in files that cannot be read. */
function unreadable(key: string): typeof openDatabase {
  return (name) => {
    const database = openDatabase(name)
    return ((mode, use) =>
      database(mode, (objects) => {
        const { get } = objects
        objects.get = (query) => {
          const [group, first] = query as string[]
          if (group !== 'value' || first !== key) return get.call(objects, query)
          const request = new EventTarget() as IDBRequest
          Object.assign(request, { error: new DOMException('the file is gone', 'NotReadableError') })
          queueMicrotask(() => request.onerror?.(new Event('error')))
          return request
        }
        return use(objects)
      })) as typeof database
  }
}

test('a value that the browser cannot read is one that is damaged', async () => {
  const store = fresh()
  await new Shelf('images', store.options).putMany(
    ['a', 'b'].map((key) => ({ key: [key], bytes: bytesOf(10) })),
  )
  const shelf = new Shelf('images', { ...store.options, open: unreadable('a') })
  expect(await shelf.getMany([['a'], ['b']])).toEqual([undefined, bytesOf(10)])
  expect(store.corruptions).toEqual([
    { kind: 'images', key: ['a'], reason: 'NotReadableError: the file is gone' },
  ])
  expect(await shelf.keys()).toEqual([['b']])
})

test('a value that another tab has replaced meanwhile is not dropped', async () => {
  const { options } = fresh()
  const shelf = new Shelf('images', options)
  await shelf.put({ key: ['a'], bytes: bytesOf(10) })
  await shelf.drop(['a'], { sum: 'that of another value' }, 'test')
  expect(await shelf.get(['a'])).toEqual(bytesOf(10))
})

interface Unit {
  readonly texts: readonly string[]
  readonly logps: Float32Array
}
const unit = (i: number): Unit => ({ texts: [`text ${i}`], logps: Float32Array.of(i, -i) })

test('a stage goes on where it stopped, in the order of its units', async () => {
  const { options } = fresh()
  const stage = new StageStore<Unit, { total: number }>(new Shelf('candidates', options), 'h')
  for (const i of [10, 0, 2]) await stage.put(i, unit(i))
  expect(await stage.done()).toBeUndefined()

  const resumed = new StageStore<Unit, { total: number }>(new Shelf('candidates', options), 'h')
  expect(await resumed.has(10)).toBe(true)
  expect(await resumed.has(1)).toBe(false)
  expect(await resumed.keys()).toEqual([0, 2, 10])
  await resumed.finish({ total: 3 })
  expect(await resumed.done()).toEqual({ summary: { total: 3 } })
  const read: (readonly [unknown, Unit])[] = []
  for await (const pair of resumed.units()) read.push(pair)
  expect(read).toEqual([0, 2, 10].map((i) => [i, unit(i)]))

  const other = new StageStore(new Shelf('candidates', options), 'other')
  expect(await other.keys()).toEqual([])
  await other.put('a', 1)
  await resumed.clear()
  expect(await resumed.done()).toBeUndefined()
  expect(await other.get('a')).toBe(1)
})

test('a stage that lost a unit is no longer done, and does not pass for whole', async () => {
  const store = fresh()
  const stage = new StageStore<Unit, number>(new Shelf('candidates', store.options), 'h')
  for (const i of [0, 1, 2]) await stage.put(i, unit(i))
  await stage.finish(3)
  await new Raw(store, 'candidates').damage(['h', 'unit', 1], 40)
  expect(await stage.done()).toEqual({ summary: 3 }) // nothing has been read yet
  const seen: unknown[] = []
  await expect(async () => {
    for await (const [key] of stage.units()) seen.push(key)
  }).rejects.toThrow(IncompleteStageError)
  expect(seen).toEqual([0])
  expect(await stage.done()).toBeUndefined()
  await expect(stage.units().next()).rejects.toThrow('expected 3 units, found 2') // whoever it was that found it damaged
  await stage.put(1, unit(1))
  expect(await stage.done()).toEqual({ summary: 3 })
  await stage.remove(2)
  expect(await stage.done()).toBeUndefined()
  expect(await stage.keys()).toEqual([0, 1])
})

test('of checkpoints the last two are kept, and a damaged one gives way to the one before', async () => {
  const store = fresh()
  const checkpoints = new CheckpointStore(new Shelf('checkpoints', store.options), 'h')
  expect(await checkpoints.latest()).toBeUndefined()
  for (const step of [5, 10, 15]) await checkpoints.save({ step, bytes: bytesOf(100, step) })
  const shelf = new Shelf('checkpoints', store.options)
  expect((await shelf.keys()).map((key) => key[2])).toEqual([10, 15])
  expect(await checkpoints.latest()).toEqual({ step: 15, bytes: bytesOf(100, 15) })
  await new Raw(store, 'checkpoints').damage(['h', 'checkpoint', 15], 50)
  expect(await checkpoints.latest()).toEqual({ step: 10, bytes: bytesOf(100, 10) })
  expect(store.corruptions).toHaveLength(1)
  await checkpoints.save({ step: 12, bytes: bytesOf(100, 12) })
  await checkpoints.save({ step: 11, bytes: bytesOf(100, 11) }) // training went on from 10: what came later is void
  expect((await shelf.keys()).map((key) => key[2])).toEqual([10, 11])
  await checkpoints.clear()
  expect(await checkpoints.latest()).toBeUndefined()
})

test('images lie under their own hash, once', async () => {
  const { options } = fresh()
  const images = new ContentStore(new Shelf('images', options))
  const hash = await images.put(new TextEncoder().encode('abc'))
  expect(hash).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(await images.put(new TextEncoder().encode('abc'))).toBe(hash)
  expect(await new Shelf('images', options).count()).toBe(1)
  expect(new TextDecoder().decode(await images.get(hash))).toBe('abc')
  expect(await images.get('another')).toBeUndefined()
  await images.putMany(['x', hash, 'y'].map((key) => ({ hash: key, bytes: bytesOf(3) })))
  const [x, abc, z] = await images.getMany(['x', hash, 'z'])
  expect([x, new TextDecoder().decode(abc), z]).toEqual([bytesOf(3), 'abc', undefined])
})

test('embeddings are stored and read in batches, bit for bit', async () => {
  const store = fresh()
  const vectors = new VectorStore(new Shelf('embeddings', store.options))
  const keys = Array.from({ length: 100 }, (_, i) => vectorKey('model', `text ${i}`))
  const vector = (i: number): Float32Array<ArrayBuffer> => Float32Array.of(i / 3, -0, Number.NaN)
  const all = Float32Array.from({ length: 300 }, (_, i) => vector(Math.floor(i / 3))[i % 3] ?? 0)
  await vectors.setMany(keys.map((key, i) => [key, all.subarray(3 * i, 3 * i + 3)]))
  await new Raw(store, 'embeddings').damage([keys[7] ?? ''])
  const found = await vectors.getMany([...keys, 'unknown'])
  expect(found).toEqual([...keys.map((_, i) => (i === 7 ? undefined : vector(i))), undefined])
  expect(await vectors.getMany([])).toEqual([])
})
