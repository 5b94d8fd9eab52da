import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bytesSource } from '../../src/data/bytes.ts'
import { readParquet } from '../../src/data/parquet.ts'

const SIZES = { train: 640, dev: 500, heldout: 1000, zeroshot: 222 }

async function imageHashes(split: string): Promise<string[]> {
  const path = `public/data/emoji-scenes/data/${split}-00000-of-00001.parquet`
  const hashes: string[] = []
  for await (const { values } of readParquet(bytesSource(new Uint8Array(readFileSync(path)), path))) {
    const { bytes } = values.image as { bytes: Uint8Array }
    hashes.push(createHash('sha256').update(bytes).digest('hex'))
  }
  return hashes
}

test('the splits of emoji-scenes have their pictures once each, and none in common', async () => {
  const found = await Promise.all(Object.keys(SIZES).map(imageHashes))
  expect(found.map((hashes) => hashes.length)).toEqual(Object.values(SIZES))
  expect(new Set(found.flat()).size).toBe(found.flat().length)
})
