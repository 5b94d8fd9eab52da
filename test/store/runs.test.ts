import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunLockedError, UnknownRunError } from '../../src/store/errors.ts'
import type { RunRecord } from '../../src/store/runs.ts'
import type { StoredImage } from '../../src/store/schema.ts'
import type { StageStore } from '../../src/store/stages.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { vectorKey } from '../../src/store/vectors.ts'
import { bytesOf, Raw, removeStore, type TestStore, testStore } from '../support/store.ts'

let files: TestStore
let store: Store
beforeEach(() => {
  files = testStore()
  store = openStore(files.options)
})
afterEach(() => removeStore(files))

const record = (id: string, createdAt = 0): RunRecord => ({
  id,
  name: `run ${id}`,
  recipe: { seed: 1 },
  recipeHash: 'r',
  createdAt,
  status: 'new',
  stages: [],
})

type Dataset = StageStore<readonly StoredImage[], number>
const image = (hash: string): StoredImage => ({ name: `${hash}.png`, hash, type: 'png', width: 1, height: 1 })

/** A run with a dataset of two images, its own and one all runs have, and scores that refer to embeddings. */
async function makeRun(id: string, scores: string): Promise<void> {
  await store.runs.put(record(id))
  const run = await store.runs.open(id)
  const dataset: Dataset = await run.stage('datasets', `dataset ${id}`)
  const images = [
    await store.images.put(bytesOf(100, 1)),
    await store.images.put(bytesOf(200, id.charCodeAt(0))),
  ]
  for (const hash of images) await store.thumbnails.put(bytesOf(10), hash)
  await dataset.put(0, images.map(image), { images, thumbnails: images })
  await dataset.finish(2)
  const embedding = vectorKey('clip', scores)
  await store.embeddings.setMany([[embedding, new Float32Array(4)]])
  const stage = await run.stage('scores', scores)
  await stage.put(0, [], { images, embeddings: [embedding] })
  await (await run.checkpoints(`training ${id}`)).save({ step: 1, bytes: bytesOf(50) })
  await run.close()
}

describe('records', () => {
  test('are listed, the latest first, changed, renamed and come back', async () => {
    await store.runs.put(record('a', 1))
    await store.runs.put(record('b', 2))
    await store.runs.rename('a', 'better')
    await store.runs.update('b', (run) => ({ ...run, status: 'done', notes: { seconds: 5 } }))
    const again = openStore(files.options)
    expect((await again.runs.list()).map(({ name, status }) => [name, status])).toEqual([
      ['run b', 'done'],
      ['better', 'new'],
    ])
    expect(await again.runs.get('c')).toBeUndefined()
    await expect(again.runs.rename('c', 'x')).rejects.toThrow(UnknownRunError)
  })

  test('are made where there is none, by the one who opens it', async () => {
    const { id, ...described } = record('a')
    const first = await store.runs.open(id, () => ({ ...described, name: 'first' }))
    await expect(store.runs.open(id, () => ({ ...described, name: 'second' }))).rejects.toThrow(
      RunLockedError,
    )
    await first.close()
    await (await store.runs.open(id, () => ({ ...described, name: 'third' }))).close()
    expect((await store.runs.get(id))?.name).toBe('first')
  })

  test('lose none of the changes made at once', async () => {
    await store.runs.put(record('a'))
    const other = openStore(files.options)
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        (i % 2 ? store : other).runs.update('a', (run) => ({ ...run, name: `${run.name}.` })),
      ),
    )
    expect((await store.runs.get('a'))?.name).toBe('run a..........')
  })

  test('that are damaged are reported and left out', async () => {
    await store.runs.put(record('a'))
    await store.runs.put(record('b'))
    await new Raw(files, 'runs').damage(['a'], 20)
    expect((await store.runs.list()).map(({ id }) => id)).toEqual(['b'])
    expect(files.corruptions).toHaveLength(1)
  })
})

describe('a run is open once', () => {
  const inOtherTab = async (id: string): Promise<{ answer: unknown; close: () => void }> => {
    const worker = new Worker(new URL('../support/other-tab.worker.ts', import.meta.url), { type: 'module' })
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = (event) => reject(new Error(event.message))
      worker.postMessage({ prefix: files.options.prefix, id })
    })
    return { answer, close: () => worker.terminate() }
  }

  test('here, and until it is closed', async () => {
    await store.runs.put(record('a'))
    await store.runs.put(record('b'))
    const run = await store.runs.open('a')
    expect(await store.runs.isOpen('a')).toBe(true)
    await expect(openStore(files.options).runs.open('a')).rejects.toThrow(RunLockedError)
    await expect(store.runs.delete('a')).rejects.toThrow(/run a: .* another tab/)
    await (await store.runs.open('b')).close() // another run is free
    expect((await inOtherTab('a')).answer).toBe('RunLockedError')
    await run.close()
    expect(await store.runs.isOpen('a')).toBe(false)
    await (await store.runs.open('a')).close()
  })

  test('in another tab, and until that is closed without a word', async () => {
    await store.runs.put(record('a'))
    const tab = await inOtherTab('a')
    expect(tab.answer).toBe('open')
    await expect(store.runs.open('a')).rejects.toThrow(RunLockedError)
    tab.close()
    await expect.poll(() => store.runs.isOpen('a')).toBe(false)
    await (await store.runs.open('a')).close()
  })

  test('and one that is not there leaves no lock behind', async () => {
    await expect(store.runs.open('x')).rejects.toThrow(UnknownRunError)
    expect(await store.runs.isOpen('x')).toBe(false)
    expect(await store.runs.sweep()).toBe(0)
  })
})

describe('deleting a run', () => {
  test('takes what it alone reaches and nothing another reaches', async () => {
    await makeRun('a', 'common')
    await makeRun('b', 'common')
    await makeRun('c', 'own')
    const before = await store.byteLengths()
    expect(before).toMatchObject({ images: 100 + 3 * 200, thumbnails: 40, embeddings: 32, checkpoints: 150 })
    const usage = await store.runs.usage()
    for (const id of ['a', 'b', 'c']) {
      const { byteLength, ownByteLength } = usage.get(id) ?? { byteLength: 0, ownByteLength: 0 }
      const shared = id === 'c' ? 110 : 110 + 16 // an image and its thumbnail; for a and b an embedding too, and its scores
      expect(byteLength - ownByteLength).toBeGreaterThanOrEqual(shared)
      expect(ownByteLength).toBeGreaterThanOrEqual(200 + 10 + 50)
    }

    const freed = await store.runs.delete('a')
    expect(freed).toBe(usage.get('a')?.ownByteLength)
    const after = await store.byteLengths()
    expect(after).toMatchObject({ images: 500, thumbnails: 30, embeddings: 32, checkpoints: 100 })
    expect(await store.stage('datasets', 'dataset a').keys()).toEqual([])
    for (const id of ['b', 'c']) {
      const dataset: Dataset = store.stage('datasets', `dataset ${id}`)
      expect(await dataset.done()).toEqual({ summary: 2 })
      for await (const [, images] of dataset.units())
        for (const { hash } of images) {
          expect(await store.images.get(hash)).toBeDefined()
          expect(await store.thumbnails.get(hash)).toBeDefined()
        }
    }
    expect(await store.stage('scores', 'common').get(0)).toEqual([])

    await store.runs.delete('b')
    expect(await store.byteLengths()).toMatchObject({ images: 300, embeddings: 16, checkpoints: 50 })
    await store.runs.delete('c')
    const { runs: _, ...rest } = await store.byteLengths()
    expect(Object.values(rest).every((byteLength) => byteLength === 0)).toBe(true)
  })

  test('sweeps nothing while another run may be writing what is not yet reached', async () => {
    await makeRun('a', 'a')
    await store.runs.put(record('b'))
    const run = await store.runs.open('b')
    const hash = await store.images.put(bytesOf(77, 9))
    expect(await store.runs.delete('a')).toBeUndefined()
    expect(await store.images.has(hash)).toBe(true)
    const dataset = await run.stage('datasets', 'dataset b')
    await dataset.put(0, [image(hash)], { images: [hash] })
    await run.close()
    expect(await store.runs.sweep()).toBeGreaterThan(0)
    expect(await store.byteLengths()).toMatchObject({ images: 77, thumbnails: 0, scores: 0 })
    expect(await store.images.has(hash)).toBe(true)
  })

  test('leaves the outputs of a run that is stopped half-way', async () => {
    await makeRun('a', 'a')
    await store.runs.put(record('b'))
    const run = await store.runs.open('b')
    await (await run.stage('results', 'half')).put(0, 'text')
    await run.close()
    await store.runs.delete('a')
    expect(await store.stage('results', 'half').get(0)).toBe('text')
    expect((await store.runs.get('b'))?.stages).toEqual([{ kind: 'results', hash: 'half' }])
  })
})
