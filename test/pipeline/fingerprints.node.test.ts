import { describe, expect, test } from 'vitest'
import type { ByteSource } from '../../src/data/bytes.ts'
import { type FolderSpec, openFolder } from '../../src/data/folder.ts'
import { findOnnx } from '../../src/data/onnx-files.ts'
import { picturePaths } from '../../src/data/picture-paths.ts'
import { datasetVersion, fingerprint, modelHash } from '../../src/pipeline/fingerprints.ts'
import { all, dropped, source, tinyPng } from '../support/datasets.ts'

const SITE = 'http://localhost/'
const { signal } = new AbortController()

/** A file of so many bytes, all zero but for one. */
function sparse(byteLength: number, at: number): ByteSource {
  return {
    name: 'large',
    byteLength,
    read: async (start, end) => {
      const bytes = new Uint8Array(end - start)
      if (at >= start && at < end) bytes[at - start] = 1
      return bytes
    },
  }
}

test('a large file is read to the last bit', async () => {
  const byteLength = 70 * 2 ** 20
  const prints = await Promise.all(
    [0, byteLength / 2, byteLength - 1].map((at) => fingerprint(sparse(byteLength, at))),
  )
  expect(new Set(prints).size).toBe(3)
  expect(await fingerprint(sparse(byteLength, byteLength / 2))).toBe(prints[1])
  expect(await fingerprint(sparse(0, 0))).toMatch(/^0 e3b0c442/)
})

describe('a model is named by what it is loaded from', () => {
  const files = {
    'config.json': '{}',
    'tokenizer.json': '{}',
    'chat_template.json': '{"chat_template": "a"}',
    'model.safetensors.index.json': JSON.stringify({ weight_map: { w: 'one.safetensors' } }),
    'one.safetensors': 'weights',
    'onnx/vision_encoder_fp16.onnx': 'graph',
  }
  const hash = (changed: Record<string, string>) => modelHash(dropped({ ...files, ...changed }), SITE)

  test.each(Object.keys(files).filter((path) => !path.includes('index')))('%s', async (path) => {
    const before = await hash({})
    expect(before).toBe(await hash({ 'README.md': 'more' }))
    expect(await hash({ [path]: '{"changed": 1}' })).not.toBe(before)
  })

  test('as loaders choose: whole weights before parts, the most exact graph before others', async () => {
    const whole = { 'model.safetensors': 'whole', 'onnx/vision_encoder.onnx': 'exact' }
    const before = await hash(whole)
    expect(before).not.toBe(await hash({}))
    expect(await hash({ ...whole, 'one.safetensors': 'x', 'onnx/vision_encoder_fp16.onnx': 'x' })).toBe(
      before,
    )
    const found = await findOnnx(openFolder(dropped({ ...files, ...whole })), 'vision_encoder')
    expect(found?.name).toMatch(/vision_encoder\.onnx$/)
  })

  test('there is none of nothing', async () => {
    expect(await modelHash(dropped({ 'README.md': 'x' }), SITE)).toBeUndefined()
  })
})

describe('a data set’s version', () => {
  const rows = ['a.png', 'b.png', 'a.png'].map((image) => JSON.stringify({ image, caption: 'x' })).join('\n')
  const coco = JSON.stringify({ images: [{ id: 1, file_name: 'a.png' }], annotations: [] })
  const version = (name: string, text: string, pictures: FolderSpec) =>
    datasetVersion({ file: { name, blob: new Blob([text]) }, folder: pictures }, SITE, signal)

  test.each([
    ['rows.jsonl', rows],
    ['captions.json', coco],
  ])('of %s has in it the pictures beside it, and no others', async (name, text) => {
    const folder = (a: number, other: number) => dropped({ 'a.png': tinyPng(a), 'other.png': tinyPng(other) })
    const before = await version(name, text, folder(1, 2))
    expect(await version(name, text, folder(1, 3))).toBe(before)
    expect(await version(name, text, folder(4, 2))).not.toBe(before)
  })

  test.each(['picture.bmp', 'shard.tar'])('has every bit of %s in it', async (name) => {
    const large = (at: number) => {
      const bytes = new Uint8Array(2 ** 20)
      bytes[at] = 1
      return bytes
    }
    const of = (at: number) => datasetVersion({ folder: dropped({ [name]: large(at) }) }, SITE, signal)
    expect(await of(2 ** 19)).toBe(await of(2 ** 19))
    expect(await of(2 ** 19)).not.toBe(await of(2 ** 19 + 1))
  })

  describe('of a file on another server', () => {
    const url = 'http://elsewhere.test/data.parquet'
    /** The version of a file that the server serves, and how many bytes were asked for. */
    async function served(byteLength: number, at: number, headers: Record<string, string>) {
      const content = sparse(byteLength, at)
      let asked = 0
      const before = globalThis.fetch
      globalThis.fetch = async (_, init) => {
        const [, start, end] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? []
        const bytes = await content.read(Number(start), Number(end) + 1)
        asked += bytes.length
        const range = { 'content-range': `bytes ${start}-${end}/${byteLength}` }
        return new Response(bytes, { status: 206, headers: { ...headers, ...range } })
      }
      try {
        return { version: await datasetVersion({ file: { url } }, SITE, signal), asked }
      } finally {
        globalThis.fetch = before
      }
    }
    const [SMALL, LARGE] = [2 ** 20, 2 ** 26 + 2 ** 20]
    const MIDDLE = 2 ** 25

    test('that is small, or for which the server does not vouch, has every bit in it', async () => {
      const small = await served(SMALL, 2 ** 19, { etag: '"a"' })
      expect((await served(SMALL, 2 ** 19 + 1, { etag: '"a"' })).version).not.toBe(small.version)
      const large = await served(LARGE, MIDDLE, { etag: 'W/"a"' })
      expect((await served(LARGE, MIDDLE + 1, { etag: 'W/"a"' })).version).not.toBe(large.version)
      expect(large.asked).toBeGreaterThan(LARGE)
    })

    test('that is large is what its strong ETag says, or its date with its ends', async () => {
      const tagged = await served(LARGE, MIDDLE, { etag: '"a"' })
      expect(tagged.asked).toBeLessThan(100)
      expect((await served(LARGE, MIDDLE, { etag: '"a"' })).version).toBe(tagged.version)
      expect((await served(LARGE, MIDDLE, { etag: '"b"' })).version).not.toBe(tagged.version)
      const dated = (at: number, second: number) =>
        served(LARGE, at, { 'last-modified': `Sun, 01 Mar 2026 00:00:0${second} GMT` })
      const first = await dated(0, 1)
      expect(first.asked).toBeLessThan(2 ** 22)
      expect((await dated(0, 1)).version).toBe(first.version)
      expect((await dated(0, 2)).version).not.toBe(first.version)
      expect((await dated(LARGE - 1, 1)).version).not.toBe(first.version)
    })
  })
})

test('the pictures a file names come once each, and damaged rows name none', async () => {
  const text = ['{"image": "a.png"}', '{"caption": "none"}', '{"images": ["sub/b.png", "a.png"]}'].join('\n')
  const file = source(new TextEncoder().encode(text), 'rows.jsonl')
  const folder = openFolder(dropped({ 'a.png': tinyPng(1), 'sub/b.png': tinyPng(2) }))
  expect(await all(picturePaths(file, folder))).toEqual(['a.png', 'sub/b.png'])
})
