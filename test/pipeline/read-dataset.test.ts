import { zipSync } from 'fflate'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type ImageDataset, openImageDataset } from '../../src/data/image-dataset.ts'
import {
  type DatasetJob,
  type DatasetReadingOptions,
  type DatasetSummary,
  readDataset,
} from '../../src/pipeline/read-dataset.ts'
import { StorageFullError } from '../../src/store/errors.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { fullAfter, Raw, removeStore, type TestStore, testStore } from '../support/store.ts'

let archive: Blob
let made: TestStore[]

/** 40 pictures, no two alike. */
beforeAll(async () => {
  const files: Record<string, Uint8Array> = {}
  for (let i = 0; i < 40; i++) {
    const canvas = new OffscreenCanvas(200 + i, 100)
    const context = canvas.getContext('2d')
    if (context) {
      context.fillStyle = `rgb(${i}, 80, 160)`
      context.fillRect(0, 0, 100, 100)
    }
    files[`${String(i).padStart(2, '0')}.png`] = new Uint8Array(
      await (await canvas.convertToBlob()).arrayBuffer(),
    )
  }
  const first = files['00.png'] as Uint8Array
  files['30 again.png'] = first
  files['30 cut.png'] = first.slice(0, 60) // its size can be read, and no more
  files['31 film.mp4'] = Uint8Array.of(1, 2, 3)
  files['metadata.csv'] = new TextEncoder().encode('file_name,text\n05.png,fifth\n39.png,last\n')
  archive = new Blob([zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>])
})
beforeEach(() => {
  made = []
})
afterEach(() => made.forEach(removeStore))

interface Place {
  readonly files: TestStore
  readonly store: Store
  readonly job: DatasetJob
}

async function place(files = testStore()): Promise<Place> {
  made.push(files)
  const store = openStore(files.options)
  const dataset = await openImageDataset({ file: { name: 'pictures.zip', blob: archive } })
  const { images, thumbnails } = store
  return { files, store, job: { dataset, images, thumbnails, stage: store.stage('datasets', 'h') } }
}

async function contents({ job: { images, thumbnails, stage } }: Place): Promise<unknown> {
  const units: unknown[] = []
  for await (const [number, unit] of stage.units()) {
    const hashes = unit.map(({ hash }) => hash)
    units.push([number, unit, await images.getMany(hashes), await thumbnails.getMany(hashes)])
  }
  return [units, await stage.done()]
}

/** Reads a dataset and marks its stage as ended, as the stage does. */
async function read(job: DatasetJob, options?: DatasetReadingOptions): Promise<DatasetSummary> {
  const summary = await readDataset(job, options)
  await job.stage.finish(summary)
  return summary
}

async function whole(): Promise<{ summary: DatasetSummary; contents: unknown }> {
  const there = await place()
  const summary = await read(there.job)
  return { summary, contents: await contents(there) }
}

test('a dataset is read into units, with what was passed over', async () => {
  const there = await place()
  const progress: unknown[] = []
  const summary = await read(there.job, { onProgress: (now) => progress.push(now) })
  expect(summary).toMatchObject({ images: 40, captioned: 2, withTruth: 0 })
  expect(summary.skipped).toEqual([
    {
      name: '30 cut.png',
      reason: expect.stringMatching(/^30 cut.png: expected an image the browser can decode/),
    },
    { name: '31 film.mp4', reason: expect.stringMatching(/begins with 01 02 03/) },
  ])
  expect(summary.duplicates).toMatchObject([{ name: '30 again.png', first: '00.png' }])
  expect(progress).toEqual([
    { images: 16, skipped: 0 },
    { images: 31, skipped: 1 }, // of 16 one could not be decoded
    { images: 40, skipped: 2 },
  ])
  expect(await there.job.stage.keys()).toEqual([0, 1, 2])
  expect(await there.job.stage.done()).toEqual({ summary })
  const unit = await there.job.stage.get(0)
  expect(unit?.[5]).toMatchObject({
    name: '05.png',
    captions: ['fifth'],
    width: 205,
    height: 100,
    type: 'png',
  })
  expect(unit?.[5]).not.toHaveProperty('bytes')
})

test('broken off and begun again it comes to the same', async () => {
  const expected = await whole()
  const there = await place()
  const controller = new AbortController()
  const stopped = read(there.job, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  })
  await expect(stopped).rejects.toThrow(/abort/i)
  expect(await there.job.stage.keys()).toEqual([0])
  expect(await there.job.stage.done()).toBeUndefined()
  expect(await read(there.job)).toEqual(expected.summary)
  expect(await contents(there)).toEqual(expected.contents)
})

test('a full disk stops it with nothing lost, and it goes on once there is room', async () => {
  const expected = await whole()
  const full = testStore({ open: fullAfter(6) })
  await expect(readDataset((await place(full)).job)).rejects.toThrow(StorageFullError)
  const { open: _, ...options } = full.options
  const there = await place({ ...full, options })
  expect((await there.job.stage.keys()).length).toBeLessThan(3)
  expect(await read(there.job)).toEqual(expected.summary)
  expect(await contents(there)).toEqual(expected.contents)
  expect(full.corruptions).toEqual([])
})

test('an image and a unit that were lost are made again', async () => {
  const expected = await whole()
  const there = await place()
  await read(there.job)
  const hash = (await there.job.stage.get(1))?.[3]?.hash ?? ''
  await new Raw(there.files, 'images').damage([hash], 9)
  expect(await there.store.images.get(hash)).toBeUndefined()
  await there.job.stage.remove(1)
  expect(await there.job.stage.done()).toBeUndefined()
  expect(await read(there.job)).toEqual(expected.summary)
  expect(await contents(there)).toEqual(expected.contents)
})

test('another caption is another dataset', async () => {
  const { summary } = await whole()
  const there = await place()
  const renamed: ImageDataset = {
    ...there.job.dataset,
    async *records(options) {
      for await (const record of there.job.dataset.records(options))
        yield record.name === '05.png' ? { ...record, captions: ['fifth!'] } : record
    },
  }
  const other = await read({ ...there.job, dataset: renamed })
  expect(other.hash).not.toBe(summary.hash)
  expect({ ...other, hash: '' }).toEqual({ ...summary, hash: '' })
})

test('one unit is read at a time', async () => {
  const there = await place()
  let given = 0
  const atProgress: number[] = []
  const counted: ImageDataset = {
    ...there.job.dataset,
    async *records(options) {
      for await (const record of there.job.dataset.records(options)) {
        given++
        yield record
      }
    },
  }
  await read({ ...there.job, dataset: counted }, { onProgress: () => atProgress.push(given) })
  expect(atProgress).toEqual([16, 32, 41])
})

test('of large pictures few are decoded at once, and of small ones many', async () => {
  const make = createImageBitmap
  const decoded = { pixels: 0, count: 0, mostPixels: 0, mostCount: 0 }
  globalThis.createImageBitmap = (async (...given: Parameters<typeof make>) => {
    decoded.mostCount = Math.max(decoded.mostCount, ++decoded.count)
    const bitmap = await make(...given).finally(() => decoded.count--)
    const [pixels, close] = [bitmap.width * bitmap.height, bitmap.close.bind(bitmap)]
    decoded.pixels += pixels
    decoded.mostPixels = Math.max(decoded.mostPixels, decoded.pixels)
    bitmap.close = () => {
      decoded.pixels -= pixels
      close()
    }
    return bitmap
  }) as typeof make
  try {
    await read((await place()).job)
    expect(decoded.mostCount).toBe(16)

    const files: Record<string, Blob> = {}
    for (let i = 0; i < 6; i++) {
      const canvas = new OffscreenCanvas(3500 + i, 4000)
      canvas.getContext('2d')
      files[`${i}.png`] = await canvas.convertToBlob()
    }
    const large = await openImageDataset({ folder: { name: 'large', files } })
    decoded.mostPixels = 0
    expect(await read({ ...(await place()).job, dataset: large })).toMatchObject({ images: 6 })
    expect(decoded.mostPixels).toBeLessThanOrEqual(32e6)
    expect(decoded.pixels).toBe(0)
  } finally {
    globalThis.createImageBitmap = make
  }
})

test('some pictures are passed over at the beginning, and no more than wanted are taken', async () => {
  const all = await place()
  await read(all.job)
  const there = await place()
  const summary = await read(there.job, { skip: 3, limit: 5 })
  expect(summary.images).toBe(5)
  expect((await there.job.stage.get(0))?.map(({ name }) => name)).toEqual(
    (await all.job.stage.get(0))?.slice(3, 8).map(({ name }) => name),
  )
})
