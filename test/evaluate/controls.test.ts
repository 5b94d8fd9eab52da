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
  test('cuts as many captions as bring the cover to the target', () => {
    expect(cutProbability({ base: 80, cut: 60, target: 75 })).toBe(0.25)
    expect(cutProbability({ base: 80, cut: 60, target: 81 })).toBe(0)
    expect(cutProbability({ base: 80, cut: 60, target: 50 })).toBe(1)
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
