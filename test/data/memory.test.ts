import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { ByteSource } from '../../src/data/bytes.ts'
import { type HashedRecord, uniqueRecords } from '../../src/data/unique.ts'
import { readWebDataset } from '../../src/data/webdataset.ts'
import { tar, tinyPng } from '../support/datasets.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const IMAGE_BYTES = 20 * 1024
const MEMBER_BYTES = 512 + IMAGE_BYTES

/** A tar archive of images that exists only where it is read. */
function endlessTar(images: number): ByteSource {
  return {
    name: 'images.tar',
    byteLength: images * MEMBER_BYTES + 1024,
    async read(start, end) {
      const image = Math.floor(start / MEMBER_BYTES)
      if (image >= images) return new Uint8Array(end - start)
      const content = new Uint8Array(IMAGE_BYTES)
      content.set(tinyHead)
      new DataView(content.buffer).setUint32(64, image)
      const member = tar({ [`${image}.png`]: content })
      return member.slice(start % MEMBER_BYTES, (start % MEMBER_BYTES) + end - start)
    },
  }
}
const tinyHead = tinyPng(0).slice(0, 33)

/** The most that was reachable while so many images were read, in bytes above that before. */
async function peak(images: number, use: (record: HashedRecord) => void): Promise<number> {
  const reachable = (): number => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = reachable()
  let most = 0
  let count = 0
  for await (const record of uniqueRecords(readWebDataset([endlessTar(images)]))) {
    use(record)
    if (++count % (images / 5) === 0) most = Math.max(most, reachable() - before)
  }
  expect(count).toBe(images)
  return most
}

test('2,000 images are read in the memory of 200, but for their hashes', { timeout: 60_000 }, async () => {
  const few = await peak(200, () => {})
  const many = await peak(2000, () => {})
  expect(many - few).toBeLessThan(1800 * 2000) // a hash and a name each, measured 800 bytes; the images are 41 MB
  const held: HashedRecord[] = []
  expect(await peak(200, (record) => held.push(record))).toBeGreaterThan(200 * IMAGE_BYTES * 0.9)
})
