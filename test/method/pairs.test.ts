import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ScoredCandidate } from '../../src/method/candidate.ts'
import { Funnel } from '../../src/method/funnel.ts'
import { type PairSettings, pairSettingsOfRound, parsePairSettings } from '../../src/method/pair-settings.ts'
import { formPairs, pairsOfImage } from '../../src/method/pairs.ts'
import { countWords } from '../../src/method/sentences.ts'
import { scored, scoredCandidates } from '../support/candidates.ts'

const settings = (json: object = {}) => parsePairSettings(json)
const form = (candidates: readonly ScoredCandidate[], json: object = {}) =>
  formPairs(candidates, settings(json))
/** Four captions of one length. */
const four = [22, 28, 25, 20].map((score, i) => scored(score, { text: `A dog sees cat ${i}.`, candidate: i }))
const step = (result: ReturnType<typeof formPairs>, rule: string) =>
  result.funnel.find((s) => s.rule === rule)

test('rules are counted in the order in which they apply, also when the first image has nothing to compare', () => {
  const alone = scored(20, { imageHash: 'b'.repeat(64), image: 'b.png' })
  const { funnel } = form([alone, ...four])
  const rules = funnel.filter(({ unit }) => unit === 'pairs').map(({ rule }) => rule)
  expect(rules).toEqual(['best-worst', 'wrong answer', 'gap', 'length ratio'])
})

describe('which pairs are formed', () => {
  test('the best against the worst', () => {
    const { pairs } = form(four)
    expect(pairs).toEqual([
      {
        images: ['a.png'],
        imageHash: 'a'.repeat(64),
        prompt: 'Describe this image.',
        chosen: 'A dog sees cat 1.',
        rejected: 'A dog sees cat 3.',
        chosenScore: 28,
        rejectedScore: 20,
        gap: 8,
        rule: 'best-worst',
      },
    ])
  })

  test('all above the gap', () => {
    const gaps = form(four, { pairs: 'all', minGap: 3 }).pairs.map(({ gap }) => gap)
    expect(gaps.sort()).toEqual([3, 3, 5, 6, 8].sort())
  })

  test('the widest of an image', () => {
    const { pairs } = form(four, { pairs: 'all', maxPairsPerImage: 2 })
    expect(pairs.map(({ gap }) => gap)).toEqual([6, 8])
  })

  test('with reach, the widest that the rules allow', () => {
    const long = scored(30, { text: 'A dog and a cat and a car and a tree and a house.', candidate: 4 })
    expect(form([...four, long]).pairs).toEqual([])
    expect(form([...four, long], { reach: 2 }).pairs.map(({ gap }) => gap)).toEqual([8])
  })

  test('among sentences that go on from the same beginning, where ending is one of them', () => {
    const context = 'A dog is on a beach.'
    const sentences = [
      scored(25, { context, text: 'There is a ball.' }),
      scored(22, { context, text: '' }),
      scored(18, { context, text: 'There is a cat.' }),
      scored(40, { context: '', text: 'A dog is on a beach.' }),
    ]
    expect(form(sentences, { pairs: 'all' }).pairs.map((p) => [p.context, p.chosen, p.rejected])).toEqual([
      [context, 'There is a ball.', ''],
      [context, 'There is a ball.', 'There is a cat.'],
      [context, '', 'There is a cat.'],
    ])
  })

  test('never one that prefers an answer made wrong', () => {
    const question = { prompt: 'What color is the car?', promptId: 'q0' }
    const right = scored(20, { ...question, text: 'red', statement: 'the car is red', correct: true })
    const wrong = scored(25, { ...question, text: 'blue', statement: 'the car is blue', correct: false })
    expect(form([right, wrong]).pairs).toEqual([])
    expect(step(form([right, wrong]), 'wrong answer')).toMatchObject({ came: 1, removed: 1 })
    expect(form([{ ...right, score: 30 }, wrong]).pairs).toHaveLength(1)
  })
})

describe('negative controls', () => {
  test('flipped pairs prefer the worst', () => {
    const [pair] = form(four, { control: 'flipped' }).pairs
    expect(pair).toMatchObject({ chosen: 'A dog sees cat 3.', gap: -8, rule: 'flipped' })
  })

  test('random pairs are as many, of either sign, and follow from the seed', () => {
    const images = Array.from({ length: 200 }, (_, i) =>
      four.map((c) => ({ ...c, imageHash: `${i}`, image: `${i}.png` })),
    ).flat()
    const { pairs } = form(images, { control: 'random', seed: 1 })
    expect(pairs).toHaveLength(200)
    const better = pairs.filter(({ gap }) => gap > 0).length
    expect(better).toBeGreaterThan(75)
    expect(better).toBeLessThan(125)
    expect(new Set(pairs.map(({ gap }) => Math.abs(gap))).size).toBe(5)
    expect(form(images, { control: 'random', seed: 1 }).pairs).toEqual(pairs)
    expect(form(images, { control: 'random', seed: 2 }).pairs).not.toEqual(pairs)
    const seeded = (json: object) => formPairs(images, pairSettingsOfRound(settings(json), 1, 2)).pairs
    expect(seeded({ control: 'random' })).toEqual(form(images, { control: 'random', seed: 2 }).pairs)
    expect(seeded({ control: 'random', seed: 1 })).toEqual(pairs)
  })
})

const anySettings: fc.Arbitrary<PairSettings> = fc
  .record({
    pairs: fc.constantFrom('best-worst', 'all'),
    reach: fc.integer({ min: 1, max: 3 }),
    minGap: fc.integer({ min: 0, max: 10 }),
    minLengthRatio: fc.constantFrom(0, 0.5, 0.8, 1),
    maxPairsPerImage: fc.constantFrom(null, 1, 3),
    minScore: fc.constantFrom(null, 10),
    minChosenScore: fc.constantFrom(null, 25),
    minWords: fc.constantFrom(0, 2),
    maxWords: fc.constantFrom(null, 8),
    keepUnfinished: fc.boolean(),
    control: fc.constantFrom('none', 'flipped', 'random'),
  })
  .map(settings)

describe('whatever the candidates and settings', () => {
  test('pairs are of candidates of one image, prompt and context, and keep the rules', () => {
    fc.assert(
      fc.property(scoredCandidates, anySettings, (candidates, chosen) => {
        for (const pair of formPairs(candidates, chosen).pairs) {
          const isOf = (text: string) => (c: ScoredCandidate) =>
            c.imageHash === pair.imageHash &&
            c.prompt === pair.prompt &&
            c.context === pair.context &&
            c.text === text
          const [good, bad] = [candidates.filter(isOf(pair.chosen)), candidates.filter(isOf(pair.rejected))]
          expect(good.map(({ score }) => score)).toContain(pair.chosenScore)
          expect(bad.map(({ score }) => score)).toContain(pair.rejectedScore)
          expect(pair.chosen).not.toBe(pair.rejected)
          if (!chosen.keepUnfinished) expect(good.some((c) => c.finishReason === 'stop')).toBe(true)
          expect(pair.gap).toBe(pair.chosenScore - pair.rejectedScore)
          if (chosen.control === 'none') expect(pair.gap).toBeGreaterThanOrEqual(chosen.minGap)
          if (chosen.control === 'flipped') expect(-pair.gap).toBeGreaterThanOrEqual(chosen.minGap)
          const lengths = [countWords(pair.chosen), countWords(pair.rejected)]
          const ratio = Math.min(...lengths) / Math.max(...lengths)
          if (pair.chosen !== '' && pair.rejected !== '')
            expect(ratio).toBeGreaterThanOrEqual(chosen.minLengthRatio)
        }
      }),
    )
  })

  test('the funnel adds up, rule after rule, to the candidates and the pairs', () => {
    fc.assert(
      fc.property(scoredCandidates, anySettings, (candidates, chosen) => {
        const { pairs, funnel } = formPairs(candidates, chosen)
        for (const { came, removed, remained, examples } of funnel) {
          expect(came - removed).toBe(remained)
          expect(examples).toHaveLength(Math.min(3, removed))
        }
        for (const unit of ['candidates', 'pairs'] as const) {
          const steps = funnel.filter((s) => s.unit === unit)
          for (const [i, next] of steps.slice(1).entries()) expect(next.came).toBe(steps[i]?.remained)
        }
        expect(funnel[0]?.came ?? 0).toBe(candidates.length)
        if (chosen.control !== 'random') expect(funnel.at(-1)?.remained ?? 0).toBe(pairs.length)
        else expect(pairs.length).toBeLessThanOrEqual(funnel.at(-1)?.remained ?? 0)
      }),
    )
  })

  test('one image at a time gives the same pairs and the same funnel', () => {
    fc.assert(
      fc.property(scoredCandidates, anySettings, (candidates, chosen) => {
        const funnel = new Funnel()
        const hashes = [...new Set(candidates.map(({ imageHash }) => imageHash))]
        const pairs = hashes.flatMap((hash) =>
          pairsOfImage(
            candidates.filter((c) => c.imageHash === hash),
            chosen,
            funnel,
          ),
        )
        expect({ pairs, funnel: funnel.steps, unmatchedEdits: [] }).toEqual(formPairs(candidates, chosen))
      }),
    )
  })

  test('at most k pairs of an image, and of best-worst one of a choice', () => {
    fc.assert(
      fc.property(scoredCandidates, anySettings, (candidates, chosen) => {
        const { pairs } = formPairs(candidates, chosen)
        const most = (key: (p: (typeof pairs)[number]) => string) =>
          Math.max(0, ...[...new Set(pairs.map(key))].map((k) => pairs.filter((p) => key(p) === k).length))
        expect(most((p) => p.imageHash)).toBeLessThanOrEqual(
          chosen.maxPairsPerImage ?? Number.POSITIVE_INFINITY,
        )
        if (chosen.pairs === 'best-worst')
          expect(most((p) => JSON.stringify([p.imageHash, p.prompt, p.context]))).toBeLessThanOrEqual(1)
      }),
    )
  })
})

test('settings name what is wrong with them', () => {
  expect(() => parsePairSettings({ minGap: -1, maxGap: 3 })).toThrow(
    /^pair settings: minGap: expected >=0, got -1; maxGap: no such setting$/,
  )
  expect(() => parsePairSettings({ minWords: 5, maxWords: 4 })).toThrow(
    'maxWords: expected at least minWords (5), got 4',
  )
  expect(parsePairSettings({})).toMatchObject({ pairs: 'best-worst', minGap: 2, control: 'none' })
})
