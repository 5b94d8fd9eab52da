import { createHash } from 'node:crypto'
import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { DataError } from '../../src/data/data-error.ts'
import type { FolderSpec } from '../../src/data/folder.ts'
import {
  type DatasetReadOptions,
  type ImageDatasetSpec,
  type ImageFormat,
  openImageDataset,
} from '../../src/data/image-dataset.ts'
import type { Skipped } from '../../src/data/image-records.ts'
import type { Duplicate, HashedRecord } from '../../src/data/unique.ts'
import { all, dropped, golden, IMAGES, tar, tinyPng } from '../support/datasets.ts'

interface Read {
  readonly format: ImageFormat
  readonly records: HashedRecord[]
  readonly skipped: Skipped[]
  readonly duplicates: Duplicate[]
}

async function read(spec: ImageDatasetSpec, options: DatasetReadOptions = {}): Promise<Read> {
  const skipped: Skipped[] = []
  const duplicates: Duplicate[] = []
  const dataset = await openImageDataset(spec)
  const records = await all(
    dataset.records({ onSkip: (s) => skipped.push(s), onDuplicate: (d) => duplicates.push(d), ...options }),
  )
  return { format: dataset.format, records, skipped, duplicates }
}
const file = (name: string, content: BlobPart): { name: string; blob: Blob } => ({
  name,
  blob: new Blob([content]),
})
const captions = ({ records }: Read): unknown => records.map(({ name, captions }) => [name, captions])
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const [A, B, C] = [1, 2, 3].map(tinyPng) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
]

describe('a folder of images', () => {
  test('in every format, by path, with type, size and hash', async () => {
    const files = Object.fromEntries(IMAGES.map((name) => [`sub/${name}`, golden(`images/${name}`)]))
    const { format, records, skipped } = await read({ folder: dropped({ ...files, 'b.png': B }) })
    expect(format).toBe('images')
    expect(records.map(({ name }) => name)).toEqual(['b.png', ...IMAGES.map((name) => `sub/${name}`)])
    expect(records.slice(1).every(({ width, height }) => width === 7 && height === 5)).toBe(true)
    expect(records[0]).toEqual({ name: 'b.png', bytes: B, type: 'png', width: 7, height: 5, hash: sha256(B) })
    expect(skipped).toEqual([])
  })

  test('what is no image is listed with the reason, unless it is known to lie beside images', async () => {
    const result = await read({
      folder: dropped({
        'a.png': A,
        'b.png': '%PDF-1.4',
        'c.jpg': '',
        'cut.png': A.slice(0, 20),
        'film.mp4': 'film',
        'README.md': 'words',
        LICENSE: 'words',
        '.DS_Store': 'x',
        '.git/objects/ab/cd': 'x',
        '__MACOSX/a.png': 'x',
        'a.json': '{}',
      }),
    })
    expect(result.records.map(({ name }) => name)).toEqual(['a.png'])
    expect(result.skipped).toEqual([
      {
        name: 'b.png',
        reason: 'expected a PNG, JPEG, WebP, GIF, BMP or AVIF image, got a PDF',
      },
      { name: 'c.jpg', reason: expect.stringMatching(/got an empty file$/) },
      { name: 'cut.png', reason: 'expected a png image with its size, got one that is cut off or damaged' },
      { name: 'film.mp4', reason: expect.stringMatching(/begins with 66 69 6c 6d$/) },
    ])
  })

  test('limits keep out what is too large', async () => {
    const large = new Uint8Array(2 ** 21)
    large.set(A)
    const folder = dropped({ 'a.png': A, 'large.png': large })
    expect((await read({ folder })).records).toHaveLength(2)
    const { records, skipped } = await read({ folder }, { maxByteLength: 2 ** 20 })
    expect(records).toHaveLength(1)
    expect(skipped).toEqual([{ name: 'large.png', reason: 'expected at most 1048576 bytes, got 2097152' }])
    await expect(read({ folder }, { maxPixels: 34 })).rejects.toThrow('expected at most 34 pixels, got 7 x 5')
  })

  test('captions come from text files, JSON lines and CSV', async () => {
    const images = { 'x/a.png': A, 'x/b.png': B, 'c.png': C }
    const texts = await read({
      folder: dropped({ ...images, 'x/a.txt': 'one\r\n\n two \n', 'x/note.txt': 'else' }),
    })
    expect(captions(texts)).toEqual([
      ['c.png', undefined],
      ['x/a.png', ['one', 'two']],
      ['x/b.png', undefined],
    ])
    const lines = [
      { file_name: 'a.png', text: 'first' },
      { file_name: 'a.png', text: 'second' },
      { file_name: 'gone.png', text: 'third' },
      { file_name: '../c.png', captions: ['up'] },
    ]
    const jsonl = (rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n')
    const metadata = await read({
      folder: dropped({ ...images, 'x/metadata.jsonl': jsonl(lines.slice(0, 3)) }),
    })
    expect(captions(metadata)).toEqual([
      ['c.png', undefined],
      ['x/a.png', ['first', 'second']],
      ['x/b.png', undefined],
    ])
    expect(metadata.skipped).toEqual([
      { name: 'x/gone.png', reason: 'expected an image file, which the metadata.jsonl tell of, found none' },
    ])
    await expect(read({ folder: dropped({ ...images, 'x/metadata.jsonl': jsonl(lines) }) })).rejects.toThrow(
      /metadata.jsonl: line 4: expected the image's path below the folder/,
    )
    const csv = await read({
      folder: dropped({ ...images, 'captions.csv': 'image,caption\nc.png,"red, round"\n' }),
    })
    expect(captions(csv)).toContainEqual(['c.png', ['red, round']])
  })

  test('equal images are one, and the others are told', async () => {
    const { records, duplicates } = await read({
      folder: dropped({ 'a.png': A, 'b.png': B, 'c.png': A, 'd.png': A }),
    })
    expect(records.map(({ name }) => name)).toEqual(['a.png', 'b.png'])
    expect(duplicates).toEqual(['c.png', 'd.png'].map((name) => ({ name, first: 'a.png', hash: sha256(A) })))
  })

  test('without an image is refused, with reasons', async () => {
    await expect(read({ folder: dropped({ 'a.png': 'text', 'b.txt': 'x' }) })).rejects.toThrow(
      /expected a dataset with at least one image, found none; a.png: expected a PNG/,
    )
    await expect(read({ folder: { url: 'http://images.test/' } })).rejects.toThrow(
      /give the paths of its files/,
    )
    await expect(read({})).rejects.toThrow(DataError)
  })

  test('on a server is read by the paths given with it', async () => {
    const spec: FolderSpec = { url: 'http://images.test/x', paths: ['b.png', 'a.png'] }
    const served = globalThis.fetch
    globalThis.fetch = async (input) => {
      const found = { 'http://images.test/x/a.png': A, 'http://images.test/x/b.png': B }[String(input)]
      return found ? new Response(found) : new Response(null, { status: 404 })
    }
    try {
      expect((await read({ folder: spec })).records.map(({ name, bytes }) => [name, bytes])).toEqual([
        ['a.png', A],
        ['b.png', B],
      ])
    } finally {
      globalThis.fetch = served
    }
  })

  test('is read no further than asked, and stops when told to', async () => {
    let opened = 0
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}.png`, tinyPng(i)]))
    const { folder } = { folder: dropped(files) }
    for (const blob of Object.values('files' in folder ? folder.files : {})) {
      const slice = blob.slice.bind(blob)
      blob.slice = (...range) => {
        opened++
        return slice(...range)
      }
    }
    const dataset = await openImageDataset({ folder })
    const records = dataset.records()
    for (let i = 0; i < 3; i++) await records.next()
    expect(opened).toBe(3)
    const controller = new AbortController()
    const stopped = dataset.records({ signal: controller.signal })
    await stopped.next()
    controller.abort()
    await expect(stopped.next()).rejects.toThrow(/abort/i)
  })
})

describe('an archive', () => {
  test.each(['stored.zip', 'deflated.zip', 'zip64.zip'])('%s is read as the folder in it', async (name) => {
    const { format, records } = await read({ file: file(name, golden(name)) })
    expect(format).toBe('images')
    expect(records.map(({ type, captions }) => [type, captions])).toEqual([
      ['png', undefined], // the other two are the same
      ['jpeg', undefined],
    ])
    const inFolder = await read({ folder: dropped({ [name]: golden(name) }) })
    expect(inFolder.records).toEqual(records)
  })

  test('with paths that lead out, or one damaged image, loses only these', async () => {
    const packed = zipSync(
      { '../up.png': A, 'b.png': B, 'c.png': C },
      { level: 0 },
    ) as Uint8Array<ArrayBuffer>
    const at = new TextDecoder('latin1').decode(packed).indexOf('seed 2')
    packed[at] = 0
    const { records, skipped } = await read({ file: file('x.zip', packed) })
    expect(records.map(({ name }) => name)).toEqual(['c.png'])
    expect(skipped.map(({ name }) => name)).toEqual(['../up.png', 'b.png'])
    expect(skipped[1]?.reason).toMatch(/CRC-32/)
  })

  test.each(['gnu.tar', 'pax.tar'])('%s is read as WebDataset', async (name) => {
    const result = await read({ file: file(name, golden(name)) })
    expect(result.format).toBe('webdataset')
    expect(captions(result)).toEqual([
      ['a.png', ['a grey picture']],
      ['b.jpg', ['one', 'two']],
    ])
    expect(result.duplicates.map(({ name }) => name.split('/').at(-1))).toEqual(['c.png', 'Bär.png'])
    expect(result.skipped).toEqual([])
  })

  test('of WebDataset may be one of many, of which a damaged one is passed over', async () => {
    const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content)
    const shards = {
      '0.tar': tar({ 'a.jpg': A, 'a.json': text('{"caption": 7}'), 'b.x.png': B, 'b.cls': text('3') }),
      '1.tar': golden('pax.tar').slice(0, 600),
      '2.tar': tar({ 'c.txt': text('of c'), 'c.png': C, '../up.png': A }),
    }
    const result = await read({ folder: dropped(shards) })
    expect(captions(result)).toEqual([
      ['a.jpg', undefined],
      ['b.x.png', undefined],
      ['c.png', ['of c']],
    ])
    expect(result.skipped).toEqual([
      { name: 'a.json', reason: 'caption: expected a text or a list of texts, got 7' },
      { name: 'drop/1.tar', reason: expect.stringMatching(/ends before/) },
      { name: '../up.png', reason: expect.stringMatching(/leads out/) },
    ])
  })
})

describe('rows', () => {
  interface Scene {
    readonly id: number
    readonly image: { readonly path: string; readonly sha256: string }
    readonly captions: readonly string[]
    readonly truth: readonly string[]
    readonly sft: unknown
  }
  const scenes: Scene[] = JSON.parse(new TextDecoder().decode(golden('scenes.json')))

  test('of emoji-scenes come with all their truth', async () => {
    const { format, records, skipped } = await read({
      file: file('scenes.parquet', golden('scenes.parquet')),
    })
    expect(format).toBe('rows')
    expect(skipped).toEqual([])
    expect(
      records.map(({ name, hash, captions, truth }) => ({
        image: { path: name, sha256: hash },
        captions,
        ...truth,
      })),
    ).toEqual(scenes.map(({ id: _, sft: __, ...scene }) => scene))
    expect(records[0]?.truth?.questions.length).toBeGreaterThan(0)
    expect(records[0]).toMatchObject({ width: 96, height: 96, type: 'png' })
  })

  test('of a folder are those of the split, its images within, AMBER’s copy aside', async () => {
    const folder = dropped({
      'data/dev-00000-of-00001.parquet': golden('scenes.parquet'),
      'data/train-00000-of-00001.parquet': 'not read',
      'amber/annotations.json': [],
      'amber/relation.json': {},
    })
    expect((await read({ folder, split: 'dev' })).records).toHaveLength(3)
    await expect(read({ folder, split: 'test' })).rejects.toThrow(/of the split test, found dev-00000/)
  })

  test('of JSON lines name their images, which are read from beside', async () => {
    const rows = [
      { images: ['img/a.png'], prompt: 'p', chosen: 'c', rejected: 'r' },
      { image: `data:image/png;base64,${Buffer.from(B).toString('base64')}`, caption: 'of b' },
      { file_name: 'img/c.png', text: 'of c', truth: ['ball'], questions: null },
      { image: 'img/gone.png' },
      { image: '../up.png' },
      { caption: 'of nothing' },
      { image: 'img/a.png', truth: ['x'], questions: [{ kind: 'k', text: 't', answer: 'maybe' }] },
      { images: ['img/a.png', 'img/c.png'] },
    ]
    const lines = rows.map((row) => JSON.stringify(row)).join('\n')
    const images = { 'img/a.png': A, 'img/c.png': C }
    const beside = await read({ folder: dropped(images), file: file('d.jsonl', lines) })
    expect(beside.format).toBe('rows')
    expect(beside.records.map(({ name, captions, truth }) => [name, captions, truth?.truth])).toEqual([
      ['img/a.png', undefined, undefined],
      ['d.jsonl: line 2: image', ['of b'], undefined],
      ['img/c.png', ['of c'], ['ball']],
    ])
    expect(beside.duplicates).toEqual([]) // an image that several rows name is one
    expect(beside.skipped.map(({ name, reason }) => [name, reason])).toEqual([
      ['img/gone.png', 'expected a file of that name, found none'],
      ['d.jsonl: line 5', expect.stringMatching(/^image: expected an image's path relative/)],
      [
        'd.jsonl: line 6',
        'expected an image in one of the columns image, images, file_name, found none; its columns are "caption"',
      ],
      [
        'd.jsonl: line 7',
        expect.stringMatching(/^questions.0.answer: expected \("Yes" \| "No"\), got "maybe"/),
      ],
    ])
    const within = await read({ folder: dropped({ 'x/d.jsonl': lines, 'x/img/a.png': A, 'x/img/c.png': C }) })
    expect(within.records.map(({ hash }) => hash)).toEqual(beside.records.map(({ hash }) => hash))
  })
})

describe('MS-COCO', () => {
  const images = [
    { id: 10, file_name: '000010.jpg' },
    { id: 2, file_name: '000002.jpg' },
    { id: 3, file_name: 'gone.jpg' },
  ]
  const said = {
    images,
    annotations: [
      { id: 1, image_id: 2, caption: 'A cat. ' },
      { id: 2, image_id: 10, caption: 'A dog.' },
      { id: 3, image_id: 2, caption: 'A cat again.' },
    ],
  }
  const seen = {
    images,
    annotations: [
      { id: 4, image_id: 10, category_id: 18, bbox: [0, 0, 1, 1] },
      { id: 5, image_id: 10, category_id: 18 },
      { id: 6, image_id: 10, category_id: 1 },
    ],
    categories: [
      { id: 1, name: 'person' },
      { id: 18, name: 'dog' },
    ],
  }
  const files = { 'val2017/000010.jpg': A, 'val2017/000002.jpg': B }

  test('captions and objects of a folder are joined', async () => {
    const result = await read({
      folder: dropped({
        ...files,
        'annotations/captions_val.json': said,
        'annotations/instances_val.json': seen,
      }),
    })
    expect(result.format).toBe('coco')
    expect(result.records.map(({ name, captions, truth }) => [name, captions, truth?.truth])).toEqual([
      ['000010.jpg', ['A dog.'], ['dog', 'person']],
      ['000002.jpg', ['A cat.', 'A cat again.'], undefined],
    ])
    expect(result.skipped).toEqual([{ name: 'gone.jpg', reason: 'expected a file of that name, found none' }])
  })

  test('a file of any name with its images beside', async () => {
    const result = await read({ folder: dropped(files), file: file('my.json', JSON.stringify(said)) })
    expect(captions(result)).toEqual([
      ['000010.jpg', ['A dog.']],
      ['000002.jpg', ['A cat.', 'A cat again.']],
    ])
    await expect(read({ folder: dropped(files), file: file('my.json', '{"images": 1}') })).rejects.toThrow(
      /my.json: images: expected Array, got 1; annotations: missing/,
    )
    await expect(read({ folder: dropped(files), file: file('my.json', '{') })).rejects.toThrow(
      'my.json: expected JSON',
    )
  })
})

describe('AMBER', () => {
  const files = {
    'AMBER/data/annotations.json': [
      { id: 1, type: 'generative', truth: ['sky'], hallu: ['bird'] },
      { id: 2, type: 'generative', truth: ['dog'], hallu: [] },
      { id: 3, type: 'discriminative-hallucination', truth: 'no' },
      { id: 4, type: 'relation', truth: 'yes' },
      { id: 5, type: 'discriminative-attribute-state', truth: 'yes' },
    ],
    'AMBER/data/relation.json': { sky: [], dog: ['puppy'], bird: [] },
    'AMBER/data/safe_words.txt': 'line\nlight\n\n',
    'AMBER/data/query_generative.json': [
      { id: 1, image: 'AMBER_1.jpg', query: 'Describe this image.' },
      { id: 2, image: 'AMBER_2.jpg', query: 'Describe this image.' },
    ],
    'AMBER/data/query_discriminative.json': [
      { id: 3, image: 'AMBER_2.jpg', query: 'Is there a cat in this image?' },
      { id: 4, image: 'AMBER_1.jpg', query: 'Is there direct contact?' },
      { id: 5, image: 'AMBER_3.jpg', query: 'Is it blue?' },
    ],
    'image/AMBER_1.jpg': A,
    'image/AMBER_2.jpg': B,
  }

  test('annotations, questions and images come together by the queries', async () => {
    const dataset = await openImageDataset({ folder: dropped(files) })
    expect(dataset.format).toBe('amber')
    expect(dataset.amber).toEqual({
      association: { sky: [], dog: ['puppy'], bird: [] },
      safeWords: ['line', 'light'],
    })
    const { records, skipped } = await read({ folder: dropped(files) })
    expect(records.map(({ name, truth }) => [name, truth?.truth, truth?.hallu, truth?.questions])).toEqual([
      [
        'AMBER_1.jpg',
        ['sky'],
        ['bird'],
        [{ kind: 'relation', text: 'Is there direct contact?', answer: 'Yes' }],
      ],
      [
        'AMBER_2.jpg',
        ['dog'],
        [],
        [{ kind: 'existence', text: 'Is there a cat in this image?', answer: 'No' }],
      ],
    ])
    expect(skipped.map(({ name }) => name)).toEqual(['AMBER_3.jpg'])
  })

  test('the generative queries alone will do, and other types are refused', async () => {
    const { 'AMBER/data/query_discriminative.json': _, ...generative } = files
    const { records } = await read({ folder: dropped(generative) })
    expect(records.map(({ truth }) => truth?.questions)).toEqual([[], []])
    const annotations = [{ id: 3, type: 'else', truth: 'no' }]
    await expect(
      read({ folder: dropped({ ...files, 'AMBER/data/annotations.json': annotations }) }),
    ).rejects.toThrow(/annotation 3: expected a type of discriminative-hallucination, .* got else/)
  })
})
