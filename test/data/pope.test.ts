import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openFolder } from '../../src/data/folder.ts'
import { openImageDataset } from '../../src/data/image-dataset.ts'
import type { Skipped } from '../../src/data/image-records.ts'
import { picturePaths } from '../../src/data/picture-paths.ts'
import type { HashedRecord } from '../../src/data/unique.ts'
import { POPE_FOLDER, popeTest } from '../support/benchmarks.ts'
import { all, dropped, source, tinyPng } from '../support/datasets.ts'

const [A, B] = [tinyPng(1), tinyPng(2)]

async function read(spec: Parameters<typeof openImageDataset>[0]) {
  const skipped: Skipped[] = []
  const dataset = await openImageDataset(spec)
  const records = await all(dataset.records({ onSkip: (one) => skipped.push(one) }))
  return { format: dataset.format, records, skipped }
}
const questions = (records: readonly HashedRecord[]) =>
  records.map(({ name, truth }) => [
    name,
    truth?.questions.map(({ kind, text, answer }) => `${kind}: ${text} ${answer}`),
  ])
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** Rows as POPE's files have them; those of one image lie apart. */
const ROWS = [
  { question_id: 1, image: 'a.png', text: 'Is there a dog in the image?', label: 'yes' },
  { question_id: 2, image: 'b.png', text: 'Is there a dog in the image?', label: 'no' },
  { question_id: 3, image: 'a.png', text: 'Is there a cat in the image?', label: 'no' },
]
const ASKED = [
  ['a.png', ['random: Is there a dog in the image? Yes', 'random: Is there a cat in the image? No']],
  ['b.png', ['random: Is there a dog in the image? No']],
]

describe('POPE’s questions', () => {
  test('of a folder are all put to their picture, which lies anywhere in it and comes once', async () => {
    const folder = dropped({
      'output/coco/coco_pope_random.json': lines(ROWS),
      'val2014/a.png': A,
      'val2014/b.png': B,
    })
    const { format, records, skipped } = await read({ folder })
    expect(format).toBe('rows')
    expect(questions(records)).toEqual(ASKED)
    expect(records.every(({ captions }) => captions === undefined)).toBe(true)
    expect(skipped).toEqual([])
  })

  test('of a file are, with the pictures beside it, also by its other name', async () => {
    for (const name of ['coco_pope_random.json', 'coco_pope_random.jsonl']) {
      const file = { name, blob: new Blob([lines(ROWS)]) }
      const { records } = await read({ file, folder: dropped({ 'a.png': A, 'b.png': B }) })
      expect(questions(records)).toEqual(ASKED)
    }
    const file = source(new TextEncoder().encode(lines(ROWS)), 'coco_pope_random.json')
    expect(await all(picturePaths(file, openFolder(dropped({ 'x/a.png': A, 'b.png': B }))))).toEqual([
      'x/a.png',
      'b.png',
    ])
  })

  test('of several files are told apart, and one file can be chosen', async () => {
    const folder = dropped({
      'coco_pope_adversarial.json': lines(ROWS.slice(1)),
      'coco_pope_random.json': lines(ROWS.slice(0, 1)),
      'a.png': A,
      'b.png': B,
    })
    expect(questions((await read({ folder })).records)).toEqual([
      ['b.png', ['adversarial: Is there a dog in the image? No']],
      ['a.png', ['adversarial: Is there a cat in the image? No', 'random: Is there a dog in the image? Yes']],
    ])
    expect(questions((await read({ folder, split: 'random' })).records)).toEqual([
      ['a.png', ['random: Is there a dog in the image? Yes']],
    ])
    await expect(read({ folder, split: 'popular' })).rejects.toThrow(
      /of the split popular, found coco_pope_adv/,
    )
  })

  test('of rows that hold their pictures are joined too, and have the kind they say', async () => {
    const url = (bytes: Uint8Array): string =>
      `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`
    const rows = ROWS.map(({ image, text, label }, i) => ({
      image: url(image === 'a.png' ? A : B),
      question: text,
      answer: label === 'yes' ? 'Yes' : 'no',
      category: i === 2 ? 'popular' : null,
      text: 'A caption.',
    }))
    const { records } = await read({ file: { name: 'rows.jsonl', blob: new Blob([lines(rows)]) } })
    expect(questions(records).map(([, asked]) => asked)).toEqual([
      ['existence: Is there a dog in the image? Yes', 'popular: Is there a cat in the image? No'],
      ['existence: Is there a dog in the image? No'],
    ])
    expect(records.map(({ captions }) => captions)).toEqual([['A caption.'], ['A caption.']])
  })

  test('whose picture is missing are passed over once, and what is no yes or no is no question', async () => {
    const rows = [
      ...ROWS,
      { image: 'gone.png', text: 'x', label: 'no' },
      { image: 'gone.png', text: 'y', label: 'no' },
    ]
    const folder = dropped({
      'a.png': A,
      'b.png': B,
      'rows.jsonl': lines([...rows, { image: 'b.png', text: 'A bird.', label: 'bird' }]),
    })
    const { records, skipped } = await read({ folder })
    expect(skipped).toEqual([{ name: 'gone.png', reason: 'expected a file of that name, found none' }])
    expect(records.map(({ captions, truth }) => [captions, truth?.questions.length])).toEqual([
      [undefined, 2],
      [['A bird.'], 1],
    ])
  })
})

test('rows that name one picture are joined whatever they say of it', async () => {
  const rows = [
    { file_name: 'a.png', caption: 'one', truth: ['dog'], hallu: ['cat'] },
    { file_name: 'b.png', caption: 'of b' },
    { file_name: 'a.png', captions: ['two', 'one'], truth: ['dog', 'ball'] },
  ]
  const { records } = await read({ folder: dropped({ 'a.png': A, 'b.png': B, 'rows.jsonl': lines(rows) }) })
  expect(records.map(({ captions, truth }) => [captions, truth?.truth, truth?.hallu])).toEqual([
    [['one', 'two'], ['dog', 'ball'], ['cat']],
    [['of b'], undefined, undefined],
  ])
})

popeTest('POPE’s own file is read whole: six questions a picture, half of them to be affirmed', async () => {
  const name = 'coco_pope_adversarial.json'
  const text = readFileSync(`${POPE_FOLDER}/${name}`, 'utf8')
  const images = [...new Set([...text.matchAll(/"image": "([^"]+)"/g)].map(([, image]) => image as string))]
  expect(images).toHaveLength(500)
  const pictures = Object.fromEntries(images.map((image, i) => [`val2014/${image}`, tinyPng(i)]))
  const { records, skipped } = await read({ folder: dropped({ [name]: text, ...pictures }) })
  expect(skipped).toEqual([])
  expect(records.map((record) => record.name)).toEqual(images)
  const asked = records.flatMap(({ truth }) => truth?.questions ?? [])
  expect(asked).toHaveLength(3000)
  expect(asked.filter(({ answer }) => answer === 'Yes')).toHaveLength(1500)
  expect(new Set(asked.map(({ kind }) => kind))).toEqual(new Set(['adversarial']))
})
