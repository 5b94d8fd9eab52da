import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ByteSource, blobSource } from '../../src/data/bytes.ts'
import { DataError } from '../../src/data/data-error.ts'
import { readImage } from '../../src/data/images.ts'
import {
  type CompletionExample,
  type PreferenceExample,
  readCompletions,
  readPreferences,
} from '../../src/data/preference.ts'
import type { RowSource } from '../../src/data/rows.ts'

const GOLDENS = new URL('../goldens/', import.meta.url)
const bytesOf = (path: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(path, GOLDENS)))
const file = (path: string): ByteSource => blobSource(new Blob([bytesOf(path)]), path)
const lines = (...rows: unknown[]): ByteSource =>
  blobSource(
    new Blob([rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('')]),
    'f.jsonl',
  )

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const pairs = (source: RowSource): Promise<PreferenceExample[]> => all(readPreferences(source))

const PAIR = { images: ['a.png'], prompt: 'p', chosen: 'c', rejected: 'r' }
const jsonl = await pairs(file('dpo-trainer/pairs.jsonl'))

describe('preference pairs', () => {
  test('come from JSON lines with image paths', () => {
    expect(jsonl).toHaveLength(24)
    expect(jsonl[0]).toEqual({
      where: 'dpo-trainer/pairs.jsonl: line 1',
      images: [{ path: 'images/0.png' }],
      prompt: '<s> <image> is the dog near :',
      chosen: 'picture big a </s>',
      rejected: 'and . tree bird </s>',
      isTextOnly: false,
    })
  })

  test('come from parquet with embedded images, as Hugging Face datasets writes it', async () => {
    const rows = await pairs(file('preference-data/strings.parquet'))
    expect(rows.map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected])).toEqual(
      jsonl.slice(0, 3).map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]),
    )
    expect(rows.map(({ weight }) => weight)).toEqual([1, 0.5, 2])
    expect(rows.map(({ images }) => images)).toEqual(
      [0, 1, 2].map((i) => [{ bytes: bytesOf(`dpo-trainer/images/${i}.png`), name: `${i}.png` }]),
    )
  })

  test('come from parquet with messages, several row groups and zstd', async () => {
    const rows = await pairs(file('preference-data/messages.parquet'))
    expect(rows.map(({ where }) => where)).toEqual(
      [0, 1, 2].map((i) => `preference-data/messages.parquet: row ${i}`),
    )
    expect(rows[2]).toMatchObject({
      images: [{ path: 'images/2.png' }],
      prompt: [
        { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'describe the picture' }] },
      ],
      chosen: [{ role: 'assistant', content: [{ type: 'text', text: jsonl[2]?.chosen }] }],
    })
  })

  test('take an image column, data URLs, one image as {bytes, path}, or none', async () => {
    const { images: _, ...texts } = PAIR
    const rows = await pairs(
      lines(
        { ...texts, image: './sub/a.png' },
        { ...texts, image: null, images: ['data:image/png;base64,AQID'] },
        {
          ...texts,
          images: [
            { bytes: 'AQID', path: 'a.png' },
            { bytes: null, path: 'b.png' },
          ],
        },
        texts,
      ),
    )
    const bytes = Uint8Array.of(1, 2, 3)
    expect(rows.map(({ images }) => images)).toEqual([
      [{ path: 'sub/a.png' }],
      [{ bytes, name: 'f.jsonl: line 2: images.0' }],
      [{ bytes, name: 'f.jsonl: line 3: images.0' }, { path: 'b.png' }],
      [],
    ])
  })

  test('are read piece by piece, whatever falls on the seam', async () => {
    const text = `${'é'.repeat(400_000)}x`
    const source = lines(
      { ...PAIR, prompt: text },
      '',
      { ...PAIR, chosen: text },
      { ...PAIR, rejected: text },
    )
    const longest: number[] = []
    const rows = await pairs({
      ...source,
      read: (start, end) => {
        longest.push(end - start)
        return source.read(start, end)
      },
    })
    expect([rows[0]?.prompt, rows[1]?.chosen, rows[2]?.rejected]).toEqual([text, text, text])
    expect(rows[2]?.where).toBe('f.jsonl: line 4')
    expect(Math.max(...longest)).toBeLessThanOrEqual(2 ** 20)
    expect(longest.length).toBeGreaterThan(3)
  })
})

describe('what does not fit is refused with file, row, column, what was expected and what came', () => {
  const user = [{ role: 'user', content: 'x' }]
  test.each([
    [[], 'f.jsonl: expected at least one pair, got none'],
    [[PAIR, '{"prompt'], 'f.jsonl: line 2: expected JSON'],
    [['[1]'], 'f.jsonl: line 1: expected an object, got [1]'],
    [[{ ...PAIR, chosen: undefined }], 'f.jsonl: line 1: chosen: missing'],
    [[{ ...PAIR, chosen: 7 }], 'f.jsonl: line 1: chosen: expected string, got 7'],
    [[{ ...PAIR, prompt: [{ role: 'user' }] }], 'prompt.0.content: missing'],
    [
      [{ ...PAIR, prompt: [{ role: 'user', content: [{ type: 'text' }] }] }],
      'prompt.0.content.0: expected text in a part',
    ],
    [
      [{ ...PAIR, prompt: [{ role: 'user', content: [{ type: 'video' }] }] }],
      'prompt.0.content.0.type: expected ("text" | "image"), got "video"',
    ],
    [[{ ...PAIR, prompt: user }], 'got prompt a list, chosen a string, rejected a string'],
    [[{ ...PAIR, weight: -1 }], 'f.jsonl: line 1: weight: expected >=0, got -1'],
    [[{ ...PAIR, images: 'a.png' }], 'f.jsonl: line 1: images: expected a list of images, got "a.png"'],
    [[{ ...PAIR, image: 'a.png' }], 'expected images or image, got both'],
    [[{ ...PAIR, images: ['a.png', 7] }], 'f.jsonl: line 1: images.1: expected an image as a path'],
    [[{ ...PAIR, images: ['../a.png'] }], 'below its folder, got "../a.png"'],
    [[{ ...PAIR, images: ['a/..\\..\\b.png'] }], 'below its folder'],
    [[{ ...PAIR, images: ['/etc/passwd'] }], 'below its folder, got "/etc/passwd"'],
    [[{ ...PAIR, images: ['https://example.org/a.png'] }], 'below its folder'],
    [[{ ...PAIR, images: ['data:image/png,abc'] }], 'images.0: expected a base64 data URL'],
    [[{ ...PAIR, images: ['data:image/png;base64,*'] }], 'images.0: expected base64 after data:'],
  ])('%j', async (rows, message) => {
    const reading = pairs(lines(...rows))
    await expect(reading).rejects.toThrow(DataError)
    await expect(reading).rejects.toThrow(message)
  })

  test('a damaged parquet file', async () => {
    const bytes = bytesOf('preference-data/strings.parquet')
    const cut = blobSource(new Blob([bytes.subarray(0, 5000)]), 'cut.parquet')
    await expect(pairs(cut)).rejects.toThrow('cut.parquet: expected a parquet file that can be read')
  })

  test('an image that is not there', async () => {
    const open = async (path: string) => (path === 'a.png' ? lines('x') : undefined)
    expect(await readImage({ path: 'a.png' }, open, 'here')).toEqual(Uint8Array.of(120, 10))
    await expect(readImage({ path: 'b.png' }, open, 'f: row 1')).rejects.toThrow(
      'f: row 1: expected an image file b.png beside the dataset, found none',
    )
  })
})

test('completions keep their whole row', async () => {
  const row = { images: ['a.png'], prompt: 'p', completion: 'c', rank: 3 }
  const rows: CompletionExample[] = await all(readCompletions(lines(row)))
  expect(rows).toEqual([
    {
      where: 'f.jsonl: line 1',
      isTextOnly: false,
      images: [{ path: 'a.png' }],
      prompt: 'p',
      completion: 'c',
      values: row,
    },
  ])
  await expect(all(readCompletions(lines(PAIR)))).rejects.toThrow('completion: missing')
  const { images: _, ...words } = row
  expect(await all(readCompletions(lines(words)))).toMatchObject([{ isTextOnly: true, images: [] }])
  await expect(all(readCompletions(lines(words, row)))).rejects.toThrow('line 2: expected no images')
})

describe('rows in memory', () => {
  test('go through the checks of a file', async () => {
    const bytes = bytesOf('dpo-trainer/images/0.png')
    const rows = [PAIR, { ...PAIR, images: [bytes], weight: 0.5 }]
    expect(await pairs({ name: 'rows', rows })).toEqual([
      { ...PAIR, where: 'rows: row 0', images: [{ path: 'a.png' }], isTextOnly: false },
      {
        ...PAIR,
        isTextOnly: false,
        where: 'rows: row 1',
        images: [{ bytes, name: 'rows: row 1: images.0' }],
        weight: 0.5,
      },
    ])
  })

  test.each([
    [[PAIR, 7], 'rows: row 1: expected an object, got 7'],
    [[{ ...PAIR, chosen: 1 }], 'rows: row 0: chosen: expected string, got 1'],
    [[{ ...PAIR, images: ['../a.png'] }], 'rows: row 0: images.0: expected an image'],
    [[], 'rows: expected at least one pair, got none'],
  ])('%j is refused', async (rows, message) => {
    await expect(pairs({ name: 'rows', rows })).rejects.toThrow(message)
  })
})
