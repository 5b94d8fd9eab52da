import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { type ByteSource, SourceError } from '../../src/data/bytes.ts'
import { DataError } from '../../src/data/data-error.ts'
import type { Skipped } from '../../src/data/image-records.ts'
import { readTar } from '../../src/data/tar.ts'
import { isZip, zipFolder } from '../../src/data/zip.ts'
import { all, contentOf, golden, source, tar } from '../support/datasets.ts'

interface Listed {
  readonly path: string
  readonly byteLength: number
  readonly sha256: string
}
const manifest: Listed[] = JSON.parse(new TextDecoder().decode(golden('manifest.json')))
const listed = (path: string, bytes: Uint8Array): Listed => ({
  path,
  byteLength: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})
const byPath = (a: Listed, b: Listed): number => (a.path < b.path ? -1 : 1)

/** Counts the bytes that are read. */
function counted(inner: ByteSource): ByteSource & { count: number } {
  return {
    ...inner,
    count: 0,
    async read(start, end, signal) {
      this.count += end - start
      return await inner.read(start, end, signal)
    },
  }
}

describe('zip', () => {
  test.each(['stored.zip', 'deflated.zip', 'streamed.zip', 'zip64.zip'])(
    '%s, as Python writes it',
    async (name) => {
      const file = source(golden(name), name)
      expect(await isZip(file)).toBe(true)
      const folder = await zipFolder(file)
      const found = await Promise.all(
        (folder.paths ?? []).map(async (path) => listed(path, await contentOf(await folder.open(path)))),
      )
      expect(found).toEqual([...manifest].sort(byPath))
      expect(await folder.open('no such file')).toBeUndefined()
      expect((await folder.open('a.txt'))?.name).toBe(`${name}/a.txt`)
    },
  )

  test('what fflate packs comes back, any part of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?$/), fc.uint8Array({ maxLength: 3000 })),
        fc.constantFrom(0, 6),
        async (files, level) => {
          const folder = await zipFolder(
            source(zipSync(files as never, { level }) as Uint8Array<ArrayBuffer>),
          )
          expect(folder.paths).toEqual(Object.keys(files).sort())
          for (const [path, bytes] of Object.entries(files)) {
            const file = await folder.open(path)
            const half = Math.floor(bytes.length / 2)
            expect(await contentOf(file)).toEqual(bytes)
            expect(await file?.read(half, bytes.length)).toEqual(bytes.subarray(half))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('only the directory and what is asked for are read', async () => {
    const noise = Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24)
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}.bin`, noise]))
    const file = counted(source(zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>))
    const folder = await zipFolder(file)
    await contentOf(await folder.open('7.bin'))
    expect(file.count).toBeLessThan(2 * noise.length)
    expect(file.byteLength).toBeGreaterThan(50 * noise.length)
  })

  test.each(['../up.png', '/absolute.png', 'C:\\drive.png', 'a/../../up.png', 'a\\..\\..\\up.png'])(
    'a path that leads out, %s, is refused and listed',
    async (path) => {
      const skipped: Skipped[] = []
      const packed = zipSync({ [path]: strToU8('x'), 'fine/a.txt': strToU8('y') }) as Uint8Array<ArrayBuffer>
      const folder = await zipFolder(source(packed), (one) => skipped.push(one))
      expect(folder.paths).toEqual(['fine/a.txt'])
      expect(skipped).toEqual([
        { name: path, reason: 'expected a path within the archive, got one that leads out of it' },
      ])
    },
  )

  test('damage in a file is that file’s, by its sum', async () => {
    for (const level of [0, 6] as const) {
      const text = strToU8('some text that is long enough to be deflated '.repeat(20))
      const packed = zipSync({ 'a.txt': text, 'b.txt': text }, { level }) as Uint8Array<ArrayBuffer>
      packed[60] = (packed[60] ?? 0) ^ 4
      const folder = await zipFolder(source(packed))
      await expect(folder.open('a.txt').then(contentOf)).rejects.toThrow(DataError)
      expect(await contentOf(await folder.open('b.txt'))).toEqual(text)
    }
  })

  test('a file that unpacks to more than it says is stopped there', async () => {
    const packed = zipSync({ a: new Uint8Array(10_000_000) }, { level: 9 }) as Uint8Array<ArrayBuffer>
    const end = packed.length - 22
    const central = new DataView(packed.buffer).getUint32(end + 16, true)
    new DataView(packed.buffer).setUint32(central + 24, 1000, true)
    const folder = await zipFolder(source(packed, 'bomb.zip'))
    await expect(folder.open('a').then(contentOf)).rejects.toThrow(
      'bomb.zip/a: expected 1000 deflated bytes, got more',
    )
    new DataView(packed.buffer).setUint32(central + 24, 0xfffffff0, true)
    const skipped: Skipped[] = []
    await zipFolder(source(packed), (one) => skipped.push(one))
    expect(skipped[0]?.reason).toMatch(/expected at most 536870912 bytes when unpacked/)
  })

  test('what is encrypted or packed in another way is listed', async () => {
    for (const [field, value, reason] of [
      [8, 1, 'expected a file that is not encrypted, got an encrypted one'],
      [10, 14, 'expected a stored or deflated file, got compression method 14'],
    ] as const) {
      const packed = zipSync({ a: strToU8('x') }) as Uint8Array<ArrayBuffer>
      const data = new DataView(packed.buffer)
      data.setUint16(data.getUint32(packed.length - 22 + 16, true) + field, value, true)
      const skipped: Skipped[] = []
      expect((await zipFolder(source(packed), (one) => skipped.push(one))).paths).toEqual([])
      expect(skipped).toEqual([{ name: 'a', reason }])
    }
  })

  test.each([
    ['another file', strToU8('not a zip archive, but longer than its end would be')],
    ['one cut off', golden('deflated.zip').slice(0, 1200)],
    ['an empty one', new Uint8Array()],
  ])('%s is refused', async (_, bytes) => {
    await expect(zipFolder(source(bytes as Uint8Array<ArrayBuffer>, 'x.zip'))).rejects.toThrow(
      /^x\.zip: expected a zip archive/,
    )
  })

  test('a damaged directory is refused', async () => {
    const bytes = golden('stored.zip')
    const at = new TextDecoder('latin1').decode(bytes).indexOf('PK\x01\x02')
    bytes[at] = 0
    await expect(zipFolder(source(bytes))).rejects.toThrow(/expected a directory of 7 files/)
  })
})

describe('tar', () => {
  test.each(['ustar.tar', 'gnu.tar', 'pax.tar'])('%s, as Python writes it', async (name) => {
    const members = await all(readTar(source(golden(name), name)))
    const found = await Promise.all(
      members.map(async (member) => listed(member.path, await contentOf(member.source))),
    )
    // The oldest form has no way to write other than ASCII names.
    expect(found).toEqual(name === 'ustar.tar' ? manifest.filter(({ path }) => path !== 'Bär.png') : manifest)
    expect(members[1]?.source.name).toBe(`${name}/a.txt`)
  })

  test('what is packed comes back, in its order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}\.[a-z]{3}$/), fc.uint8Array({ maxLength: 1500 })),
        async (files) => {
          const members = await all(readTar(source(tar(files as never))))
          const found = await Promise.all(
            members.map(async ({ path, source }) => [path, await contentOf(source)]),
          )
          expect(found).toEqual(Object.entries(files))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('headers alone are read', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`${i}.bin`, new Uint8Array(100_000)]),
    )
    const file = counted(source(tar(files)))
    expect(await all(readTar(file))).toHaveLength(50)
    expect(file.count).toBe(51 * 512)
  })

  test.each([
    [
      'a gzip file',
      Uint8Array.of(0x1f, 0x8b, ...new Uint8Array(600)),
      'got a gzip file: unpack it with gunzip first',
    ],
    ['another file', new Uint8Array(600).fill(65), 'expected a tar header with the sum'],
    ['a short file', new Uint8Array(100), 'got one that is cut off'],
    ['one cut off', golden('pax.tar').slice(0, 600), 'got an archive that ends before'],
  ])('%s is refused', async (_, bytes, message) => {
    const read = all(readTar(source(bytes as Uint8Array<ArrayBuffer>, 'x.tar')))
    await expect(read).rejects.toThrow(DataError)
    await expect(all(readTar(source(bytes as Uint8Array<ArrayBuffer>, 'x.tar')))).rejects.toThrow(message)
  })
})

describe('an archive damaged anywhere gives an error of this project’s, or its files', () => {
  const isOurs = (error: unknown): boolean => error instanceof DataError || error instanceof SourceError
  const damaged = (name: string): fc.Arbitrary<Uint8Array<ArrayBuffer>> => {
    const bytes = golden(name)
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
    return fc
      .tuple(fc.array(flip, { minLength: 1, maxLength: 4 }), fc.nat(bytes.length))
      .map(([flips, length]) => {
        const copy = bytes.slice(0, length % 3 === 0 ? length : undefined)
        for (const [at, mask] of flips) if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ mask
        return copy
      })
  }

  test.each(['stored.zip', 'deflated.zip', 'zip64.zip', 'pax.tar', 'gnu.tar'])('%s', async (name) => {
    await fc.assert(
      fc.asyncProperty(damaged(name), async (bytes) => {
        try {
          if (name.endsWith('.tar')) {
            for await (const member of readTar(source(bytes))) await contentOf(member.source)
            return
          }
          const folder = await zipFolder(source(bytes))
          for (const path of folder.paths ?? []) {
            const content = await folder.open(path).then(contentOf)
            expect(manifest.map(({ sha256 }) => sha256)).toContain(listed(path, content).sha256)
          }
        } catch (error) {
          if (!isOurs(error)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})
