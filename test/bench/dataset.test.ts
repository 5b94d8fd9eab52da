import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { grownMemory } from '../../bench/dataset/dataset.ts'
import { memorySentence, readFigures, withSentence } from '../../bench/dataset/results.ts'

const run = (images: number, renderer: number, all: number) => ({
  images,
  pairs: images,
  seconds: 1,
  peakMiB: { renderer, all },
})

test('README tells what memory the committed runs took, which is bounded', () => {
  const figures = readFigures()
  expect(readFileSync('README.md', 'utf8')).toContain(memorySentence(figures))
  expect(figures.map(({ images }) => images)).toEqual([500, 2500, 10_000])
  expect(grownMemory(figures)).toEqual([])
})

test('memory that grows with the pictures is told, in the page or in all processes together', () => {
  expect(grownMemory([run(10_000, 690, 1700), run(500, 100, 200), run(2500, 600, 1500)])).toEqual([])
  expect(grownMemory([run(2500, 600, 1500), run(10_000, 700, 1800)])).toEqual([
    '10000 pictures, renderer: expected at most 690 MiB, 1.15 times as much as 2500 take, got 700',
    '10000 pictures, all: expected at most 1725 MiB, 1.15 times as much as 2500 take, got 1800',
  ])
  expect(grownMemory([])).toEqual([])
})

test('another sentence takes the place of README’s', () => {
  const readme = readFileSync('README.md', 'utf8')
  const other = [run(1, 2, 3)]
  const updated = withSentence(readme, other)
  expect(updated).toContain(memorySentence(other))
  expect(withSentence(updated, readFigures())).toBe(readme)
  expect(() => withSentence('nothing', other)).toThrow('README: expected a paragraph')
})
