import { describe, expect, test } from 'vitest'
import {
  cutProbability,
  mixWithCut,
  truncateToLength,
  withoutLastSentence,
} from '../../src/evaluate/controls.ts'
import { countWords, sentences } from '../../src/method/sentences.ts'

const caption = 'A cat sleeps. There is a red ball next to it! Is that a dog?'

test('sentences keep their marks, and a rest without one counts', () => {
  expect(sentences(caption)).toEqual(['A cat sleeps.', 'There is a red ball next to it!', 'Is that a dog?'])
  expect(sentences('One. Two')).toEqual(['One.', 'Two'])
  expect(sentences(' ... ')).toEqual([])
  expect(sentences('It is 3.5 m long. The sign says "Stop!" It is red.\nA dog?')).toEqual([
    'It is 3.5 m long.',
    'The sign says "Stop!"',
    'It is red.',
    'A dog?',
  ])
  expect(countWords('  a  red ball ')).toBe(3)
})

describe('control L', () => {
  test.each([
    [1, 'A cat sleeps.'],
    [7, 'A cat sleeps.'],
    [8, 'A cat sleeps. There is a red ball next to it!'],
    [40, caption],
  ])('cuts at the sentence end nearest %i words', (words, expected) => {
    expect(truncateToLength([caption], words)).toEqual([expected])
  })
})

describe('control C', () => {
  const whole = Array.from({ length: 1000 }, (_, i) => ({ covered: 2 + (i % 2), truth: 4 }))
  const cut = whole.map(({ covered, truth }, i) => ({ covered: i % 3 === 0 ? covered : covered - 1, truth }))
  const coverOf = (rows: readonly { covered: number }[]) =>
    rows.reduce((sum, { covered }) => sum + covered, 0) / ((4 * rows.length) / 100)
  /** The Cover that mixing by this probability and seed really gives. */
  const mixedCover = (probability: number, seed: number) => {
    const marks = mixWithCut(
      whole.map((_, i) => `${i}. Cut.`),
      probability,
      seed,
    )
    return coverOf(marks.map((text, i) => (text.endsWith('Cut.') ? whole[i] : cut[i]) as { covered: number }))
  }

  test.each([0, 1, 2])(
    'cuts as many captions as bring the cover to the target, by the coins of seed %i',
    (seed) => {
      for (const target of [48, 50, 55.5, 60, 62]) {
        expect(Math.abs(mixedCover(cutProbability(whole, cut, target, seed), seed) - target)).toBeLessThan(
          0.03,
        )
      }
    },
  )

  test('cuts none where the target is not below, and all where it is out of reach', () => {
    expect(cutProbability(whole, cut, 63, 1)).toBe(0)
    expect(cutProbability(whole, cut, 10, 1)).toBe(1)
    expect(mixedCover(1, 1)).toBeCloseTo(coverOf(cut), 10)
    expect(() => cutProbability(whole, cut.slice(1), 50, 1)).toThrow(
      'expected the same captions, got 1000 whole and 999 cut',
    )
  })

  test('by a coin for each image that follows from the seed', () => {
    const captions = Array.from({ length: 4000 }, () => caption)
    const mixed = mixWithCut(captions, 0.25, 1)
    const cut = mixed.filter((text) => text !== caption)
    expect(cut.length / mixed.length).toBeCloseTo(0.25, 1)
    expect(new Set(cut)).toEqual(new Set([withoutLastSentence(caption)]))
    expect(mixWithCut(captions, 0.25, 1)).toEqual(mixed)
    expect(mixWithCut(captions, 0.25, 2)).not.toEqual(mixed)
    expect(mixWithCut(captions, 0, 1)).toEqual(captions)
  })

  test('never cuts a caption to nothing', () => {
    expect(withoutLastSentence('A cat.')).toBe('A cat.')
  })
})
