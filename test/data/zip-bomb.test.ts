import { zipSync } from 'fflate'
import { expect, test, vi } from 'vitest'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import type { Skipped } from '../../src/data/image-records.ts'
import { zipFolder } from '../../src/data/zip.ts'
import { all, contentOf, source, tinyPng } from '../support/datasets.ts'

/** The longest piece that was unpacked at once. */
const unpacked = vi.hoisted(() => ({ longest: 0 }))
vi.mock(import('fflate'), async (load) => {
  const fflate = await load()
  class Inflate extends fflate.Inflate {
    constructor(take: (part: Uint8Array, isLast: boolean) => void) {
      super((part, isLast) => {
        unpacked.longest = Math.max(unpacked.longest, part.length)
        take(part, isLast)
      })
    }
  }
  return { ...fflate, Inflate: Inflate as typeof fflate.Inflate }
})

/** Has the directory of an archive with one member say that it unpacks to so many bytes. */
function declare(packed: Uint8Array<ArrayBuffer>, byteLength: number): Uint8Array<ArrayBuffer> {
  const data = new DataView(packed.buffer)
  data.setUint32(data.getUint32(packed.length - 6, true) + 24, byteLength, true)
  return packed
}

test('what unpacks to more than it says is never unpacked far beyond that', async () => {
  const packed = zipSync({ 'a.png': new Uint8Array(100e6) }, { level: 9 }) as Uint8Array<ArrayBuffer>
  expect(packed.length).toBeLessThan(200_000)
  const folder = await zipFolder(source(declare(packed, 1000), 'bomb.zip'))
  await expect(folder.open('a.png').then(contentOf)).rejects.toThrow(
    'bomb.zip/a.png: expected 1000 deflated bytes, got more',
  )
  expect(unpacked.longest).toBeGreaterThan(1000)
  expect(unpacked.longest).toBeLessThan(20e6)
})

test('what says that it is too large for a picture is not unpacked at all', async () => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24)
  const large = declare(zipSync({ 'a.png': noise }) as Uint8Array<ArrayBuffer>, 400e6)
  const blob = new Blob([large])
  const skipped: Skipped[] = []
  unpacked.longest = 0
  const dataset = await openImageDataset({ file: { name: 'large.zip', blob } })
  await expect(all(dataset.records({ onSkip: (one) => skipped.push(one) }))).rejects.toThrow(/found none/)
  expect(skipped).toEqual([{ name: 'a.png', reason: 'expected at most 33554432 bytes, got 400000000' }])
  expect(unpacked.longest).toBe(0)
})

test('control: a picture is unpacked', async () => {
  unpacked.longest = 0
  const blob = new Blob([zipSync({ 'a.png': tinyPng(1) }) as Uint8Array<ArrayBuffer>])
  const dataset = await openImageDataset({ file: { name: 'fine.zip', blob } })
  expect(await all(dataset.records())).toHaveLength(1)
  expect(unpacked.longest).toBe(tinyPng(1).length)
})
