import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOf } from '../../src/pipeline/share.ts'
import type { RunSummary } from '../../src/pipeline/summary.ts'
import { clipDpo, type Ended } from '../support/program.ts'

const TINY = JSON.parse(readFileSync('recipes/tiny.json', 'utf8')) as Record<string, object>
const PICTURES = ['plain.png', 'deep.png', 'plain.jpg', 'inks.jpg', 'lossy.webp', 'lossless.webp']

let folder: string
let ended: Ended
/** Where a picture that is trained on and one that is not lie apart by their contents. */
let cut: number
const at = (...names: string[]): string => join(folder, ...names)
const read = (...names: string[]): string => readFileSync(at(...names), 'utf8')

/** Pictures in a folder of which nothing is known, two thirds of them trained on. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'own-'))
  for (const name of PICTURES) cpSync(join('test/goldens/image-datasets/images', name), at('pictures', name))
  const places = PICTURES.map((name) =>
    placeOf(
      createHash('sha256')
        .update(readFileSync(at('pictures', name)))
        .digest('hex'),
    ),
  ).sort((a, b) => a - b)
  cut = ((places[3] ?? 0) + (places[4] ?? 0)) / 2
  const recipe = {
    ...TINY,
    name: 'own',
    dataset: { source: 'pictures', share: [0, cut] },
    pair: { minGap: 0, minLengthRatio: 0, maxImageText: null },
    train: { ...TINY.train, max_steps: 1 },
    evaluate: {
      ...TINY.evaluate,
      dataset: { source: 'pictures', share: [cut, 1] },
      shown: { source: 'embedded:emoji-scenes/heldout', limit: 2 },
    },
  }
  writeFileSync(at('recipe.json'), JSON.stringify(recipe))
  ended = await clipDpo(['run', at('recipe.json'), '--out', at('out')])
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('a folder is divided by its pictures’ contents, and nothing is said of what they show', () => {
  expect(ended.stderr).toContain('It is not known what the 2 pictures evaluated show')
  expect(ended.code).toBe(0)
  const { images, before, verdicts } = JSON.parse(read('out', 'summary.json')) as RunSummary
  expect(images).toEqual({ train: 4, evaluated: 2, source: 'pictures' })
  expect(Object.keys(before)).toEqual(['meanLength'])
  expect(verdicts[0]).toMatch(/^It is not known what the 2 pictures evaluated show/)
  expect(ended.stdout).toContain('Before and after on 2 pictures (pictures)')
})

test('what is said of them, and of those that are only shown, is written and reported', () => {
  const answers = read('out', 'answers.jsonl').trim().split('\n')
  expect(answers).toHaveLength(4)
  const report = read('out', 'report.html')
  expect(report).toContain('2 pictures the model was not trained on (pictures)')
  expect(report).toContain('2 emoji scenes the model was not trained on')
})
