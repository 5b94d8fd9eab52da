import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { DataError } from '../../src/data/data-error.ts'
import { type ImageDatasetSpec, openImageDataset } from '../../src/data/image-dataset.ts'
import type { Skipped } from '../../src/data/image-records.ts'
import { all, dropped, golden, tar, tinyPng } from '../support/datasets.ts'

const [A, B, C] = [1, 2, 3].map(tinyPng) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
]
const zip = (files: Record<string, Uint8Array>) => zipSync(files) as Uint8Array<ArrayBuffer>
const file = (name: string, content: BlobPart) => ({ file: { name, blob: new Blob([content]) } })
/** A PNG image that says it is of that size. */
function sized(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = golden('images/plain.png')
  new DataView(bytes.buffer).setUint32(16, width)
  new DataView(bytes.buffer).setUint32(20, height)
  return bytes
}

async function read(spec: ImageDatasetSpec) {
  const skipped: Skipped[] = []
  const dataset = await openImageDataset(spec)
  const records = await all(dataset.records({ onSkip: (one) => skipped.push(one) }))
  return {
    names: records.map(({ name }) => name),
    captions: records.map(({ captions = [] }) => captions.join()),
    skipped: skipped.map(({ name, reason }) => `${name}: ${reason}`),
  }
}

test.each([
  ['a.zip', '', /^a.zip: expected a zip or tar archive, .*, got an empty file$/],
  ['a.zip', zip({}), /got a zip archive without files$/],
  ['a.parquet', '', /got an empty file$/],
  ['a.json', '', /^a.json: expected JSON: /],
  ['a.jsonl', '', /expected a dataset with at least one image, found none$/],
  ['a.tar', '', /found none; a.tar: expected a tar archive, got one that is cut off$/],
  ['a.png', A, /got a png image: give the folder it lies in$/],
  ['a.pdf', '%PDF-1.4', /got a PDF$/],
  ['a.parquet', `PAR1${'x'.repeat(99)}PAR1`, /^a.parquet: expected a parquet file that can be read/],
  ['a.json', '[1, 2]', /^a.json: images: /],
] as const)('%s of %j is refused in words', async (name, content, message) => {
  const refused = read(file(name, content as BlobPart))
  await expect(refused).rejects.toThrow(DataError)
  await expect(refused).rejects.toThrow(message)
})

describe('what lies beside pictures', () => {
  test('is named for what it is', async () => {
    const { names, skipped } = await read({
      folder: dropped({
        'a.png': A,
        'b.svg': '\ufeff <svg xmlns="http://www.w3.org/2000/svg"/>',
        'c.jpg': '<!DOCTYPE html><title>404</title>',
        'd.heic': '\0\0\0\x24ftypheic\0\0\0\0',
        'e.tif': 'II*\0\x08\0\0\0',
        'f.mp4': '\0\0\0\x20ftypisom',
        'g.zip': zip({ 'h.png': B }),
        'i.jpg': '',
        'j.jpg': Uint8Array.of(0xff, 0xd8, 0xff),
      }),
    })
    expect(names).toEqual(['a.png'])
    const got = skipped.map((text) => text.replace(/: expected .* image, got/, ': got'))
    expect(got).toEqual([
      'b.svg: got an SVG drawing',
      'c.jpg: got a web page',
      'd.heic: got a HEIC image',
      'e.tif: got a TIFF image',
      'f.mp4: got a video',
      'g.zip: got a zip archive', // beside pictures it is not what was meant
      'i.jpg: got an empty file',
      expect.stringMatching(/^j.jpg: expected a jpeg image with its size, got one that is cut off/),
    ])
  })

  test('in size and shape too much to be held is passed over', async () => {
    const { names, skipped } = await read({
      folder: dropped({
        'a.png': sized(8000, 8000),
        'b.png': sized(8001, 8000),
        'c.png': sized(2000, 10),
        'd.png': sized(2001, 10),
        'e.png': sized(1, 60_000),
        'f.png': sized(0xffffffff, 0xffffffff),
        'g.png': sized(0, 5),
      }),
    })
    expect(names).toEqual(['a.png', 'c.png'])
    expect(skipped.map((text) => text.replace(/, got.*/, ''))).toEqual([
      'b.png: expected at most 64000000 pixels',
      'd.png: expected a picture at most 200 times as long as wide',
      'e.png: expected a picture at most 200 times as long as wide',
      'f.png: expected at most 64000000 pixels',
      'g.png: expected a png image with its size',
    ])
  })
})

describe('names', () => {
  test('with marks are found however the marks are written', async () => {
    const [composed, taken] = ['bär.png', 'ba\u0308r.png']
    const folder = dropped({ [taken]: A })
    const row = JSON.stringify({ image: composed, text: 'x' })
    const coco = { images: [{ id: 1, file_name: composed }], annotations: [{ image_id: 1, caption: 'x' }] }
    for (const spec of [
      { folder: dropped({ [taken]: A, 'metadata.jsonl': row }) },
      { folder: dropped({ [`sub/${taken}`]: A, 'sub/captions.csv': `image,caption\n${composed},x\n` }) },
      { folder, ...file('a.jsonl', row) },
      { folder: dropped({ [`sub/${taken}`]: A }), ...file('a.json', JSON.stringify(coco)) },
    ]) {
      const { captions, skipped } = await read(spec)
      expect([captions, skipped]).toEqual([['x'], []])
    }
  })

  test('in a zip are UTF-8 even where it does not say so, and otherwise Latin-1', async () => {
    const packed = zip({ 'bär.png': A })
    const data = new DataView(packed.buffer)
    const directory = data.getUint32(packed.length - 6, true)
    data.setUint16(directory + 8, 0, true) // the flag that says UTF-8
    expect((await read(file('a.zip', packed))).names).toEqual(['bär.png'])
    packed[directory + 46 + 1] = 0xe4
    packed[directory + 46 + 2] = 0x5f
    expect((await read(file('a.zip', packed))).names).toEqual(['bä_r.png'])
  })

  test('may be of any length and mean anything to JavaScript', async () => {
    const long = `${'x'.repeat(5000)}.png`
    const { names } = await read({ folder: dropped({ [long]: A, constructor: B, 'hasOwnProperty.png': C }) })
    expect(names).toEqual(['constructor', 'hasOwnProperty.png', long])
  })
})

describe('tables', () => {
  const folder = dropped({ 'a.png': A, 'b.png': B })

  test('may begin with a byte order mark, and end their lines as Windows does', async () => {
    const rows = '\ufeff{"image":"a.png","text":"x"}\r\n\r\n{"image":"b.png"}\r\n'
    expect(await read({ folder, ...file('a.jsonl', rows) })).toMatchObject({ captions: ['x', ''] })
    const csv = '\ufefffile_name,text\r\na.png,"x, y"\r\n'
    expect(await read({ folder: dropped({ 'a.png': A, 'metadata.csv': csv }) })).toMatchObject({
      captions: ['x, y'],
    })
    const coco = `\ufeff${JSON.stringify({ images: [{ id: 1, file_name: 'a.png' }], annotations: [] })}`
    expect((await read({ folder, ...file('a.json', coco) })).names).toEqual(['a.png'])
  })

  test('of a spreadsheet that writes semicolons are read as well', async () => {
    const csv = 'file_name;text\r\na.png;"x; y"\r\n'
    expect(await read({ folder: dropped({ 'a.png': A, 'metadata.csv': csv }) })).toMatchObject({
      captions: ['x; y'],
    })
  })

  test('hold their pictures as bytes, as Hugging Face’s structs with paths alone, or in both ways', async () => {
    const images = Object.fromEntries(
      ['plain.png', 'plain.jpg'].map((name) => [`images/${name}`, golden(`images/${name}`)]),
    )
    const bytes = await read(file('bytes.parquet', golden('bytes.parquet')))
    expect(bytes).toMatchObject({ captions: ['one', 'two'], skipped: [] })
    const paths = await read({ ...file('paths.parquet', golden('paths.parquet')), folder: dropped(images) })
    expect(paths).toMatchObject({ names: Object.keys(images), captions: ['one', 'two'], skipped: [] })
    const base64 = Buffer.from(A).toString('base64')
    const rows = [
      { image: { bytes: base64, path: 'x.png' } },
      { image: { path: 'b.png' } },
      { image: { bytes: null, path: null } },
      { images: [] },
    ]
    const lines = rows.map((row) => JSON.stringify(row)).join('\n')
    const { names, skipped } = await read({ folder, ...file('a.jsonl', lines) })
    expect(names).toEqual(['a.jsonl: line 1: image', 'b.png'])
    expect(skipped).toEqual([expect.stringMatching(/line 3: image: expected an image as a path, .* got/)])
  })

  test('with other columns are told of with those they have', async () => {
    await expect(read({ folder, ...file('a.jsonl', '{"img":"a.png","label":3}') })).rejects.toThrow(
      'a.jsonl: line 1: expected an image in one of the columns image, images, file_name, found none; its columns are "img, label"',
    )
    await expect(
      read({ folder: dropped({ 'a.png': A, 'metadata.csv': 'id,label\n1,x\n' }) }),
    ).rejects.toThrow(/file_name, image, .*, got none of them; its columns are "id, label"/)
  })

  test('lose a line that is none, and no more', async () => {
    const rows = ['{"image":"a.png"}', 'null', '[1]', '{"image":7}', '{"image":"b.p', '{"image":"b.png"}']
    const { names, skipped } = await read({ folder, ...file('a.jsonl', rows.join('\n')) })
    expect(names).toEqual(['a.png', 'b.png'])
    expect(skipped).toEqual([
      'a.jsonl: line 2: expected an object, got null',
      'a.jsonl: line 3: expected an object, got [1]',
      expect.stringMatching(/^a.jsonl: line 4: image: expected an image as a path.*, got 7$/),
      expect.stringMatching(/^a.jsonl: line 5: expected JSON: /),
    ])
  })
})

describe('archives within archives', () => {
  test('are opened once, and no deeper, since there may be no end of them', async () => {
    const once = zip({ 'b.zip': zip({ 'c.png': A }) })
    expect((await read(file('a.zip', once))).names).toEqual(['c.png'])
    expect((await read({ folder: dropped({ 'a.zip': once }) })).names).toEqual(['c.png'])
    await expect(read(file('a.zip', zip({ 'x.zip': once })))).rejects.toThrow(
      'a.zip/x.zip/b.zip: expected at most 2 archives within each other, got more: unpack them first',
    )
  })

  test('are none where there are pictures beside them, or several', async () => {
    const inner = zip({ 'c.png': A })
    const { names, skipped } = await read(file('a.zip', zip({ 'b.zip': inner, 'd.png': B })))
    expect(names).toEqual(['d.png'])
    expect(skipped).toEqual([expect.stringMatching(/^b.zip: .* got a zip archive$/)])
    const shard = tar({ 'e.png': A })
    expect((await read({ folder: dropped({ 'f.tar': shard, 'd.png': B }) })).names).toEqual(['d.png'])
    await expect(read(file('a.zip', zip({ 'b.zip': inner, 'c.zip': inner })))).rejects.toThrow(
      /found none; b.zip: .* got a zip archive; c.zip/,
    )
  })
})
