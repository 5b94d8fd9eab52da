import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseScoreSettings } from '../../src/method/score-settings.ts'
import {
  byChoice,
  meanOfOthers,
  plannedTexts,
  planTexts,
  rankCandidates,
  scoreCandidate,
  scoreStops,
  stopScore,
} from '../../src/method/scores.ts'
import { candidate, scored, scoredCandidates } from '../support/candidates.ts'

const finder = {
  phrases: (text: string) =>
    text.includes('dog')
      ? [
          { text: 'A dog', noun: 'dog' },
          { text: 'a beach', noun: 'beach' },
        ]
      : [],
}
const text = 'A dog on a beach. It runs.'
const answer = candidate({ text: 'red', prompt: 'What color is the car?', statement: 'the car is red' })
const settings = (json: object) => parseScoreSettings(json)

describe('which texts CLIP has to see', () => {
  test.each([
    ['clip', [text]],
    ['f-clip', [text, 'A dog', 'a beach']],
    ['sentence', [text, 'A dog on a beach.', 'It runs.']],
  ] as const)('%s', (scorer, expected) => {
    expect(plannedTexts(planTexts(candidate({ text }), settings({ scorer }), finder))).toEqual(expected)
  })

  test('of an answer its statement, and its question where asked', () => {
    expect(plannedTexts(planTexts(answer, settings({}), finder))).toEqual([
      'the car is red',
      'What color is the car?',
    ])
    expect(plannedTexts(planTexts(answer, settings({ scoreQuestions: false }), finder))).toEqual([
      'the car is red',
    ])
  })

  test('none of the end of an answer, and no text twice', () => {
    expect(
      plannedTexts(planTexts(candidate({ text: ' ', context: 'A dog.' }), settings({}), finder)),
    ).toEqual([])
    expect(
      plannedTexts(planTexts(candidate({ text: 'One.' }), settings({ scorer: 'sentence' }), finder)),
    ).toEqual(['One.'])
  })
})

describe('scores', () => {
  const table: Record<string, { score: number; meanOfOthers: number }> = {
    [text]: { score: 30, meanOfOthers: 20 },
    'A dog': { score: 24, meanOfOthers: 25 },
    'a beach': { score: 27, meanOfOthers: 21 },
    'A dog on a beach.': { score: 29, meanOfOthers: 22 },
    'It runs.': { score: 21, meanOfOthers: 20 },
  }
  const score = (json: object, without: readonly string[] = []) => {
    const chosen = settings(json)
    const item = candidate({ text })
    return scoreCandidate(
      item,
      planTexts(item, chosen, finder),
      (asked) => (without.includes(asked) ? undefined : table[asked]),
      chosen,
    )
  }

  test.each([
    [{}, 30, { clip: 30 }],
    [{ calibrate: true }, 10, { clip: 30, calibrated: 10 }],
    [{ scorer: 'f-clip' }, 27, { clip: 30, fclip: 27 }],
    [{ scorer: 'f-clip', calibrate: true }, 5, { clip: 30, fclip: 27, calibrated: 5 }],
    [{ scorer: 'sentence' }, 25, { clip: 30, sentence: 25 }],
    [{ scorer: 'sentence', calibrate: true }, 4, { clip: 30, sentence: 25, calibrated: 4 }],
  ])('by %o', (json, expected, scores) => {
    expect(score(json)).toMatchObject({ score: expected, scores })
    expect(Object.keys(score(json).scores).sort()).toEqual(Object.keys(scores).sort())
  })

  test('keep what each phrase got', () => {
    expect(score({ scorer: 'f-clip' }).phrases).toEqual([
      { text: 'A dog', score: 24 },
      { text: 'a beach', score: 27 },
    ])
    expect(score({})).not.toHaveProperty('phrases')
  })

  test('past CLIP’s context there is none, but by sentences', () => {
    expect(score({}, [text])).not.toHaveProperty('score')
    expect(score({}, [text]).scores).toEqual({})
    expect(score({ scorer: 'f-clip' }, [text])).not.toHaveProperty('score')
    expect(score({ scorer: 'sentence' }, [text])).toMatchObject({ score: 25, scores: { sentence: 25 } })
    expect(score({ scorer: 'sentence' }, ['It runs.'])).not.toHaveProperty('score')
  })

  test('without a mean over the others cannot be calibrated', () => {
    const item = candidate()
    const chosen = settings({ calibrate: true })
    expect(() => scoreCandidate(item, planTexts(item, chosen, finder), () => ({ score: 1 }), chosen)).toThrow(
      'expected a mean over the other images',
    )
    expect(() => meanOfOthers(20, 20, 1)).toThrow('expected at least two images, got 1')
  })

  test('the mean of the others leaves the own one out', () => {
    expect(meanOfOthers((30 + 10 + 14) / 3, 30, 3)).toBeCloseTo(12, 12)
  })
})

describe('ending an answer', () => {
  test('scores a quantile of what might have come', () => {
    expect(stopScore([4, 1, 3, 2], 0)).toBe(1)
    expect(stopScore([4, 1, 3, 2], 1)).toBe(4)
    expect(stopScore([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(() => stopScore([], 0.5)).toThrow('expected scores')
  })

  test('and nothing else gets that score', () => {
    const [end, sentence, caption] = scoreStops(
      [
        scored(undefined, { context: 'A.', text: '' }),
        scored(3, { context: 'A.' }),
        scored(undefined, { text: '' }),
      ],
      7,
    )
    expect(end?.score).toBe(7)
    expect(sentence?.score).toBe(3)
    expect(caption).not.toHaveProperty('score')
  })
})

test('ranks are a permutation within each choice, the best first, the earlier first among equals', () => {
  fc.assert(
    fc.property(scoredCandidates, (candidates) => {
      const ranked = rankCandidates(candidates)
      expect(ranked.map(({ rank: _, ...rest }) => rest)).toEqual(candidates)
      for (const choice of byChoice(ranked)) {
        const inOrder = choice
          .filter(({ rank }) => rank !== undefined)
          .sort((a, b) => Number(a.rank) - Number(b.rank))
        expect(inOrder.map(({ rank }) => rank)).toEqual(inOrder.map((_, i) => i))
        expect(inOrder).toHaveLength(choice.filter(({ score }) => score !== undefined).length)
        for (const [i, next] of inOrder.slice(1).entries()) {
          const one = inOrder[i] as (typeof inOrder)[number]
          const isLater = ranked.indexOf(one) < ranked.indexOf(next)
          expect(
            (one.score as number) > (next.score as number) || (one.score === next.score && isLater),
          ).toBe(true)
        }
      }
    }),
  )
})

test('settings name what is wrong with them', () => {
  expect(() => parseScoreSettings({ scorer: 'blip', calibrate: 1, gap: 2 })).toThrow(
    /^score settings: scorer: expected .*"clip".* got "blip"; calibrate: expected boolean, got 1; gap: no such setting$/,
  )
  expect(() => parseScoreSettings({ stopQuantile: 2 }, 'demo.json: score')).toThrow(
    'demo.json: score: stopQuantile',
  )
})
