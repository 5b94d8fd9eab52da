import { setImmediate } from 'node:timers/promises'
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

/** The most bytes in buffers, which is where images lie, that were reachable at once while so many were read. */
async function peak(images: number, use: (record: HashedRecord) => void): Promise<number> {
  const reachable = async (): Promise<number> => {
    await setImmediate() // what has been hashed is let go of between two turns of the event loop
    collectGarbage()
    await setImmediate()
    collectGarbage()
    return process.memoryUsage().arrayBuffers
  }
  const before = await reachable()
  let most = 0
  let count = 0
  for await (const record of uniqueRecords(readWebDataset([endlessTar(images)]))) {
    use(record)
    if (++count % (images / 5) === 0) most = Math.max(most, (await reachable()) - before)
  }
  expect(count).toBe(images)
  return most
}

test('of 1,000 images no more is held than of 100, and both times a few', { timeout: 60_000 }, async () => {
  // Measured 27 kB and 62 kB, of 2 MB and 20 MB.
  for (const images of [100, 1000]) expect(await peak(images, () => {})).toBeLessThan(10 * IMAGE_BYTES)
  const held: HashedRecord[] = []
  expect(await peak(100, (record) => held.push(record))).toBeGreaterThan(90 * IMAGE_BYTES)
})
