import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import { zipFolder } from '../../src/data/zip.ts'
import { zipFiles } from '../../src/data/zip-writer.ts'

type Files = Readonly<Record<string, Uint8Array>>

async function packed(files: Files): Promise<Blob> {
  return await zipFiles(
    Object.entries(files).map(([path, bytes]) => ({
      path,
      read: async () => new Blob([bytes as Uint8Array<ArrayBuffer>]),
    })),
  )
}

async function expectWithin(zip: Blob, files: Files): Promise<void> {
  const folder = await zipFolder(blobSource(zip, 'packed.zip'))
  expect(folder.paths).toEqual(Object.keys(files).sort())
  for (const [path, bytes] of Object.entries(files)) {
    const file = await folder.open(path)
    expect(Buffer.compare((await file?.read(0, file.byteLength)) ?? new Uint8Array(), bytes), path).toBe(0)
  }
}

test('what is packed comes back, of texts and of weights', async () => {
  const name = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?\.(jsonl|safetensors)$/)
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, fc.uint8Array({ maxLength: 3000 })), async (files) => {
      await expectWithin(await packed(files), files)
    }),
    { numRuns: 20 },
  )
})

test('large files are read in pieces; texts become small', async () => {
  const bytes = new Uint8Array(40 * 2 ** 20 + 5).fill(7)
  const texts = { 'large.jsonl': bytes }
  const text = await packed(texts)
  expect(text.size).toBeLessThan(2 ** 20)
  await expectWithin(text, texts)
  const weights = { 'large.safetensors': bytes }
  await expectWithin(await packed(weights), weights)
})

test('more files than a zip can count are refused', async () => {
  function* many() {
    for (let i = 0; i <= 65_535; i++) yield { path: String(i), read: async () => new Blob() }
  }
  await expect(zipFiles(many())).rejects.toThrow(/expected at most 65535 files and 4 GiB/)
})

test('a file that cannot be read makes no archive', async () => {
  const read = () => Promise.reject(new Error('damaged'))
  await expect(zipFiles([{ path: 'a', read }])).rejects.toThrow('damaged')
})
