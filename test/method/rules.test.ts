import { describe, expect, test } from 'vitest'
import type { ScoredCandidate } from '../../src/method/candidate.ts'
import { mergeDuplicates } from '../../src/method/duplicates.ts'
import { Funnel } from '../../src/method/funnel.ts'
import { imageTextScore } from '../../src/method/image-text.ts'
import { parsePairSettings } from '../../src/method/pair-settings.ts'
import { formPairs } from '../../src/method/pairs.ts'
import {
  candidateRules,
  emptyRule,
  gapRule,
  genericQuestionRule,
  imageTextRule,
  lengthRatioRule,
  lengthRule,
  minChosenScoreRule,
  minScoreRule,
  pairRules,
  pastContextRule,
  questionScoreRule,
  unfinishedRule,
} from '../../src/method/rules.ts'
import { candidate, scored } from '../support/candidates.ts'

const item = (fields: Partial<ScoredCandidate> = {}) => scored(1, fields)
const stop = scored(5, { context: 'A dog.', text: '' })
const answer = (question: string, questionScore?: number) =>
  scored(25, {
    prompt: question,
    text: 'red',
    statement: 'the car is red',
    ...(questionScore === undefined ? {} : { questionScore }),
  })

describe('each rule keeps one and removes another, and says why', () => {
  const text = imageTextRule(3, (hash) => (hash === 'sign' ? 4.25 : 1))
  test.each([
    [text, item(), item({ imageHash: 'sign' }), 'writing 4.3 above 3'],
    [unfinishedRule, item(), item({ finishReason: 'length', numTokens: 60 }), 'cut off at 60 tokens'],
    [emptyRule, item(), item({ text: ' ' }), 'no words'],
    [emptyRule, stop, item({ text: '...' }), 'no words'],
    [emptyRule, item({ text: '', statement: 'the car is red' }), item({ statement: '' }), 'no words'],
    [pastContextRule, scored(1), scored(undefined), '5 words are longer than CLIP’s context'],
    [pastContextRule, stop, scored(undefined, { context: 'A.', text: '' }), 'ending was not scored'],
    [minScoreRule(20), scored(20), scored(19.5), 'score 19.5 below 20'],
    [minScoreRule(20), stop, scored(5), 'score 5.0 below 20'],
    [lengthRule({ minWords: 3, maxWords: 5 }), item(), item({ text: 'A dog' }), '2 words, fewer than 3'],
    [lengthRule({ minWords: 3, maxWords: 4 }), stop, item(), '5 words, more than 4'],
    [
      genericQuestionRule,
      item({ prompt: 'What is this?' }),
      answer('What is this?'),
      '"What is this?" fits any picture',
    ],
    [questionScoreRule(20), answer('Q?', 20), answer('Q?', 19), 'question’s score 19.0 below 20'],
    [questionScoreRule(20), scored(1), answer('Q?'), '"Q?" has no score'],
  ])('%o', (rule, kept, removed, why) => {
    expect(rule.why(kept)).toBeUndefined()
    expect(rule.why(removed)?.replaceAll("'", '’')).toBe(why)
  })

  const pair = (a: number, b: number, long = false) => ({
    chosen: scored(a, long ? { text: 'A dog and a cat sit on the beach.' } : {}),
    rejected: scored(b),
  })
  test.each([
    [gapRule(2), pair(22, 20), pair(21.5, 20), 'gap 1.5 below 2'],
    [lengthRatioRule(0.6), pair(22, 20), pair(22, 20, true), 'lengths’ ratio 0.56 below 0.6'],
    [minChosenScoreRule(21), pair(22, 20), pair(20.5, 10), 'chosen’s score 20.5 below 21'],
  ])('%o', (rule, kept, removed, why) => {
    expect(rule.why(kept)).toBeUndefined()
    expect(rule.why(removed)?.replaceAll("'", '’')).toBe(why)
  })
})

test('an image whose writing was not measured is an error where the rule asks', () => {
  expect(() => imageTextRule(3, () => undefined).why(candidate())).toThrow(
    'expected how much writing a.png shows',
  )
  expect(imageTextScore([20, 24], [18, 20])).toBe(3)
})

test('rules apply in a fixed order, and only those that are asked for', () => {
  const names = (json: object) =>
    [...candidateRules(parsePairSettings(json), () => 0), ...pairRules(parsePairSettings(json))].map(
      ({ name }) => name,
    )
  expect(names({})).toEqual([
    'finish reason length',
    'empty',
    'past CLIP context',
    'length',
    'generic question',
    'wrong answer',
    'gap',
    'length ratio',
  ])
  const strict = {
    maxImageText: 3,
    minScore: 1,
    minQuestionScore: 1,
    minChosenScore: 1,
    keepUnfinished: true,
  }
  expect(names(strict)).toEqual([
    'image contains text',
    'empty',
    'past CLIP context',
    'absolute score',
    'length',
    'generic question',
    'question score',
    'wrong answer',
    'gap',
    'length ratio',
    'chosen score',
  ])
})

test('duplicates are merged and counted', () => {
  const funnel = new Funnel()
  const merged = mergeDuplicates(
    [
      candidate({ candidate: 0 }),
      candidate({ candidate: 1, text: ' A dog  on a beach. ', count: 3 }),
      candidate({ candidate: 2, prompt: 'Another.' }),
      candidate({ candidate: 3, text: 'A cat.' }),
    ],
    funnel,
  )
  expect(merged.map(({ candidate: n, count }) => [n, count])).toEqual([
    [0, 4],
    [2, undefined],
    [3, undefined],
  ])
  expect(funnel.steps).toEqual([
    {
      rule: 'duplicates',
      unit: 'candidates',
      came: 6,
      removed: 3,
      remained: 3,
      examples: [
        { image: 'a.png', text: ' A dog  on a beach. ', why: "the same as policy's answer 0, 3 times" },
      ],
    },
  ])
})

test('funnels of parts add up to the whole’s, with no more examples', () => {
  const all = [20, 25, 20, 25, 20, 25, 20, 25].map((score, i) =>
    scored(score, { text: `A dog ${i}`, imageHash: `${Math.floor(i / 4)}` }),
  )
  const whole = new Funnel()
  for (const hash of ['0', '1']) {
    whole.add(
      formPairs(
        all.filter((c) => c.imageHash === hash),
        parsePairSettings({}),
      ).funnel,
    )
  }
  expect(whole.steps).toEqual(formPairs(all, parsePairSettings({})).funnel)
})
