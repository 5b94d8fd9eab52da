import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePairSettings } from '../../src/method/pair-settings.ts'
import { candidateRules, pairRules } from '../../src/method/rules.ts'
import { outcomeOf } from '../../src/ui/views/figure-rows.ts'
import { formatChange, formatFigure, formatSeconds, formatValue } from '../../src/ui/views/format.ts'
import { recipeDiff } from '../../src/ui/views/recipe-diff.ts'
import { RULES } from '../../src/ui/views/rules.ts'
import { smooth } from '../../src/ui/views/smooth.ts'
import { wordDiff } from '../../src/ui/views/word-diff.ts'

describe('the difference of two texts', () => {
  const marked = (pieces: readonly { text: string; isShared: boolean }[]): string =>
    pieces.map(({ text, isShared }) => (isShared ? text : `[${text}]`)).join('')

  test('cuts them where they part, punctuation apart from words', () => {
    const { first, second } = wordDiff('A cat can be seen on the left.', 'A cat and a fork can be seen.')
    expect(marked(first)).toBe('A cat can be seen [on the left].')
    expect(marked(second)).toBe('A cat [and a fork ]can be seen.')
  })

  test('passes over little words in the midst of a difference', () => {
    const { first } = wordDiff('Snow. There is a hat on it. End', 'Snow. Look, a big kite. End')
    expect(marked(first)).toBe('Snow. [There is a hat on it]. End')
  })

  test('loses nothing, shares the same words in the same order, and all of equal texts', () => {
    const text = fc
      .array(fc.constantFrom('a ', 'cat', 'kitchen ', '. ', ' ', 'fork, ', '\n'))
      .map((words) => words.join(''))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const { first, second } = wordDiff(a, b)
        const joined = (pieces: typeof first, onlyShared: boolean): string =>
          pieces.flatMap(({ text, isShared }) => (isShared || !onlyShared ? text : [])).join('')
        expect(joined(first, false)).toBe(a)
        expect(joined(second, false)).toBe(b)
        expect(joined(first, true).replace(/\s+/g, '')).toBe(joined(second, true).replace(/\s+/g, ''))
        expect(wordDiff(a, a).first.every(({ isShared }) => isShared)).toBe(true)
      }),
    )
  })
})

describe('a smoothed curve', () => {
  test('stays what it is when it is level, from its first value on', () => {
    for (const value of smooth([4, 4, 4, 4], 0.6)) expect(value).toBeCloseTo(4, 12)
    expect(smooth([1, 5, 2], 0)).toEqual([1, 5, 2])
  })

  test('is the weighted mean of what came, by its definition', () => {
    const [, , third] = smooth([1, 2, 6], 0.5)
    expect(third).toBeCloseTo((1 * 0.125 + 2 * 0.25 + 6 * 0.5) / 0.875, 12)
  })

  test('keeps gaps, and refuses a weight of 1', () => {
    expect(smooth([2, Number.NaN, 2], 0.6)).toEqual([2, Number.NaN, 2])
    expect(() => smooth([1], 1)).toThrow('expected a weight of at least 0 and below 1, got 1')
  })
})

test('recipes differ leaf by leaf, in what one of them lacks too', () => {
  const found = recipeDiff([
    { seed: 0, pair: { minGap: 2, reach: 1 }, prompts: ['a'] },
    { seed: 0, pair: { minGap: 4 }, prompts: ['b'], limit: 8 },
    { seed: 0, pair: { minGap: 2, reach: 1 }, prompts: ['a'] },
  ])
  expect(found).toEqual([
    { path: 'pair.minGap', values: [2, 4, 2] },
    { path: 'pair.reach', values: [1, undefined, 1] },
    { path: 'prompts', values: [['a'], ['b'], ['a']] },
    { path: 'limit', values: [undefined, 8, undefined] },
  ])
  expect(recipeDiff([{ a: [1] }, { a: [1] }])).toEqual([])
})

test.each([
  [-3, -1, 'lower', 'better'],
  [-3, -1, 'higher', 'worse'],
  [1, 3, 'higher', 'better'],
  [1, 3, 'lower', 'worse'],
  [1, 3, undefined, 'changed'],
  [-1, 0, 'lower', 'unclear'],
] as const)('a change from %d to %d where %s is better is %s', (low, high, better, outcome) => {
  expect(outcomeOf({ value: (low + high) / 2, low, high }, better)).toBe(outcome)
})

test('figures have true minus signs and no minus zero', () => {
  expect([formatFigure(-0.04), formatFigure(-1.25, 2), formatChange(0.04), formatChange(2)]).toEqual([
    '0.0',
    '−1.25',
    '0.0',
    '+2.0',
  ])
  expect([
    formatValue(0.61234),
    formatValue(-41.23),
    formatValue(2e-7),
    formatValue(0.00012),
    formatValue(0),
  ]).toEqual(['0.612', '−41.2', '2.0e−7', '0.00012', '0'])
  expect([0.04, 9.96, 59.6, 185, 7620].map(formatSeconds)).toEqual([
    '0 s',
    '10 s',
    '1 min 0 s',
    '3 min 5 s',
    '2 h 7 min',
  ])
})

test('every rule of the pairs is told in plain words', () => {
  const settings = parsePairSettings({
    minScore: 1,
    minChosenScore: 1,
    minQuestionScore: 1,
    maxImageText: 1,
    maxPairsPerImage: 1,
  })
  const names = [...candidateRules(settings, () => 0), ...pairRules(settings)].map(({ name }) => name)
  for (const name of [
    ...names,
    'duplicates',
    'best-worst',
    'all',
    'one pair of a prompt',
    'pairs of an image',
    'by hand',
  ])
    expect(RULES[name]?.meaning, name).toMatch(/\.$/)
})
