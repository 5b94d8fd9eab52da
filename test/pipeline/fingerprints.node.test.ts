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

  test('of a folder has all files, those that are no pictures read whole', async () => {
    const large = (at: number) => {
      const bytes = new Uint8Array(2 ** 20)
      bytes[at] = 1
      return bytes
    }
    const of = (at: number) => datasetVersion({ folder: dropped({ 'shard.tar': large(at) }) }, SITE, signal)
    expect(await of(2 ** 19)).not.toBe(await of(2 ** 19 + 1))
  })
})

test('the pictures a file names come once each, and damaged rows name none', async () => {
  const text = ['{"image": "a.png"}', '{"caption": "none"}', '{"images": ["sub/b.png", "a.png"]}'].join('\n')
  const file = source(new TextEncoder().encode(text), 'rows.jsonl')
  const folder = openFolder(dropped({ 'a.png': tinyPng(1), 'sub/b.png': tinyPng(2) }))
  expect(await all(picturePaths(file, folder))).toEqual(['a.png', 'sub/b.png'])
})
