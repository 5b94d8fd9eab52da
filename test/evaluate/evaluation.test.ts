import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AmberJudge } from '../../src/evaluate/amber.ts'
import { bootstrap } from '../../src/evaluate/bootstrap.ts'
import { type EvaluatedImage, evaluate, measure } from '../../src/evaluate/evaluation.ts'
import { CAPTION_METRICS, type CaptionMetrics } from '../../src/evaluate/metrics.ts'
import { ObjectCounter } from '../../src/evaluate/objects.ts'
import { truncationVerdict } from '../../src/evaluate/verdict.ts'
import { judged } from '../support/evaluation.ts'
import { Random } from '../support/random.ts'

const WORDS = ['dog', 'cat', 'car', 'tree', 'cup', 'boat']
const amber = new AmberJudge({ association: Object.fromEntries(WORDS.map((w) => [w, []])), safeWords: [] })
const judge = { amber, nouns: (caption: string) => caption.toLowerCase().match(/[a-z]+/g) ?? [] }
const options = { samples: 400 }

/** Pictures of three things, of which captions name two and then, in half of them, something that is not there. */
const images = (
  tuned: (sentences: readonly string[], image: number) => readonly string[],
): EvaluatedImage[] => {
  const random = new Random(5)
  return Array.from({ length: 300 }, (_, i) => {
    const truth = [0, 1, 2].map((k) => WORDS[(i + k) % 6] as string)
    const hallu = [WORDS[(i + 4) % 6] as string]
    const third = random.uniform() < 0.5 ? hallu[0] : truth[2]
    const sentences = [`A ${truth[0]} and more.`, `A ${truth[1]} too.`, `A ${third} also.`]
    const caption = sentences.join(' ')
    const questions = [{ truth: 'yes', answer: random.uniform() < 0.8 ? 'yes' : 'no' }] as const
    const loss = 20 + 5 * random.uniform()
    return {
      truth: { truth, hallu },
      before: { caption, questions, cleanLoss: { sum: loss, tokens: 10 } },
      after: {
        caption: tuned(sentences, i).join(' '),
        questions,
        cleanLoss: { sum: 1.02 * loss, tokens: 10 },
      },
    }
  })
}

/** Says something true instead of what is not there. */
const honest = images((sentences, i) => {
  const third = `A ${WORDS[(i + 2) % 6]} also.`
  return [...sentences.slice(0, 2), third]
})
/** Leaves the last sentence out in half of the captions, whatever it says. */
const brief = images((sentences, i) => sentences.slice(0, i % 2 === 0 ? 2 : 3))

describe('before, after and their difference', () => {
  const { before, after, delta, images: count } = judged(evaluate(honest, judge, options))

  test('are AMBER’s figures and the others of summary.json', () => {
    expect(count).toBe(300)
    expect(after.chair.value).toBe(0)
    expect(before.chair.value).toBeGreaterThan(12)
    expect(before.hal.value / before.chair.value).toBeCloseTo(3, 3)
    expect(delta.chair.value).toBeCloseTo(-before.chair.value, 12)
    expect(delta.chair.high).toBeLessThan(0)
    expect(delta.cover.low).toBeGreaterThan(0)
    expect(before.meanLength.value).toBe(10)
    expect(before.nounsPerCaption.value).toBe(3)
    expect(before.yesNo?.accuracy.value).toBe(before.yesNo?.yesRate.value)
    expect(delta.yesNo?.accuracy).toEqual({ value: 0, low: 0, high: 0 })
    expect(before.amberScore?.value).toBeCloseTo(
      (100 - before.chair.value + (before.yesNo?.f1No.value ?? 0)) / 2,
      10,
    )
  })

  test('the clean loss changes by percent', () => {
    expect(before.cleanLoss?.value).toBeGreaterThan(2)
    expect(delta.cleanLoss?.value).toBeCloseTo(2, 10)
    expect(delta.cleanLoss?.low).toBeCloseTo(2, 10)
  })

  test('are those of either model measured alone', () => {
    expect(
      measure(
        honest.map(({ truth, before: answers }) => ({ truth, answers })),
        judge,
        options,
      ),
    ).toEqual(before)
    expect(
      measure(
        honest.map(({ truth, after: answers }) => ({ truth, answers })),
        judge,
        options,
      ),
    ).toEqual(after)
  })

  test('hold nothing that was not measured', () => {
    const bare = honest.map(({ truth, before: { caption } }) => ({ truth, answers: { caption } }))
    expect(Object.keys(measure(bare, judge, options)).sort()).toEqual([...CAPTION_METRICS].sort())
  })

  test('leave out what is not known: of pictures with questions alone nothing is said of captions', () => {
    const asked = honest.map((image) => ({ ...image, truth: { truth: [], hallu: [] } }))
    const { before, after, delta, controls } = evaluate(asked, judge, options)
    for (const table of [before, after, delta]) {
      for (const name of ['chair', 'cover', 'hal', 'cog', 'nounsPerCaption', 'amberScore'])
        expect(table).not.toHaveProperty(name)
      expect(table.yesNo?.accuracy.value).toBeGreaterThanOrEqual(0)
    }
    expect(before.meanLength.value).toBe(10)
    expect(controls).toBeUndefined()
  })

  test('judge captions by the pictures of which it is known what they show', () => {
    const mixed = honest.flatMap((image) => [image, { ...image, truth: { truth: [], hallu: [] } }])
    const { before } = judged(evaluate(honest, judge, options))
    const half = judged(evaluate(mixed, judge, options))
    expect(half.before.chair.value).toBeCloseTo(before.chair.value, 10)
    expect(half.images).toBe(600)
  })

  test('have intervals also where one picture in many was measured, which many resamples do not have', () => {
    const [first, ...others] = honest.map((image) => ({
      truth: image.truth,
      before: { caption: image.before.caption },
      after: { caption: image.after.caption },
    }))
    if (!first) throw new Error('expected pictures')
    const clean = (sum: number) => ({ cleanLoss: { sum, tokens: 10 } })
    const one = {
      ...first,
      before: { ...first.before, ...clean(20) },
      after: { ...first.after, ...clean(22) },
    }
    const { before, delta } = evaluate([one, ...others], judge, options)
    expect(before.cleanLoss).toEqual({ value: 2, low: 2, high: 2 })
    expect(delta.cleanLoss?.value).toBeCloseTo(10, 10)
    expect(delta.cleanLoss?.low).toBeCloseTo(10, 10)
    expect(delta.cleanLoss?.high).toBeCloseTo(10, 10)
  })

  test('need the same measured on both sides', () => {
    const torn = honest.map((image) => ({ ...image, after: { caption: image.after.caption } }))
    expect(() => evaluate(torn, judge, options)).toThrow('expected the same measured before and after')
    expect(() => evaluate([], judge, options)).toThrow('at least one image')
  })
})

describe('truncation controls', () => {
  const flat = Object.fromEntries(
    CAPTION_METRICS.map((n) => [n, { value: 0, low: -1, high: 1 }]),
  ) as CaptionMetrics
  const below = { value: -2, low: -3, high: -1 }
  const above = { value: 2, low: 1, high: 3 }

  test('a model that corrects itself beats both', () => {
    const { controls } = judged(evaluate(honest, judge, options))
    expect(controls.verdict).toMatchObject({ helps: true, beatsC: true, beatsL: true })
    expect(controls.C.probability).toBe(0) // it covers more than the base
    expect(controls.C.metrics.chair.value).toBeGreaterThan(10)
    expect(controls.L.metrics.meanLength.value).toBe(10)
  })

  test('negative control: a model that only shortens beats neither, though its CHAIR falls', () => {
    const { delta, controls } = judged(evaluate(brief, judge, options))
    expect(delta.chair.high).toBeLessThan(0)
    expect(controls.verdict).toMatchObject({ helps: false, beatsC: false, beatsL: false })
    expect(controls.verdict.message).toMatch(/^It is not shown that the gain is more than shortening/)
    expect(Math.abs(controls.C.tunedMinus.cover.value)).toBeLessThan(0.2)
    expect(controls.C.probability).toBeGreaterThan(0.3)
  })

  test('read the verdict off the intervals', () => {
    const verdict = (minusL: CaptionMetrics, minusC: CaptionMetrics) => truncationVerdict(minusL, minusC, 100)
    expect(verdict(flat, flat)).toMatchObject({ helps: false, beatsC: false, beatsL: false })
    expect(verdict(flat, { ...flat, chair: below })).toMatchObject({ helps: true, beatsC: false })
    expect(verdict(flat, { ...flat, chair: below, hal: below })).toMatchObject({ beatsC: true })
    expect(verdict({ ...flat, cover: above }, flat)).toMatchObject({ beatsL: true })
    expect(verdict({ ...flat, cover: above, chair: above }, flat)).toMatchObject({ beatsL: false })
    const less = { ...flat, chair: below, hal: below, cover: { value: -5, low: -7, high: -3 } }
    expect(verdict(flat, less)).toMatchObject({ helps: false, beatsC: false }) // pure shortening is no gain
  })

  const words = (minusL: CaptionMetrics, minusC: CaptionMetrics) =>
    truncationVerdict(minusL, minusC, 100).message

  test.each([
    ['both lower', { chair: below, hal: below }, /^The gain is not shortening: captions .* invent more;/],
    [
      'CHAIR alone',
      { chair: below },
      /^By CHAIR the gain is not shortening: captions .* invent more; that .*\(Hal\) is not shown;/,
    ],
    [
      'neither',
      {},
      /^It is not shown that the gain is more than shortening: .* are not shown to invent more;/,
    ],
    ['neither, Cover lower', { cover: below }, /^It is not shown .* still mention more;/],
    [
      'both lower, Cover higher',
      { cover: above, chair: below, hal: below },
      /^The gain is not shortening: the tuned model mentions more .* and invents less;/,
    ],
    [
      'CHAIR alone, Cover higher',
      { cover: above, chair: below },
      /^By CHAIR .* mentions more .* and invents less; that .*\(Hal\) is not shown;/,
    ],
    [
      'Cover higher alone',
      { cover: above },
      /^The tuned model mentions more of what is there, but is not shown to invent less;/,
    ],
  ] as const)('say against control C what is shown: %s', (_, shown, expected) => {
    expect(words(flat, { ...flat, ...shown })).toMatch(expected)
  })

  test('say against control L what is shown, and how far its length is from the tuned one', () => {
    expect(words(flat, flat)).toMatch(
      /; the tuned model is not shown to mention more than captions cut [\w ]* length\.$/,
    )
    expect(words({ ...flat, cover: above }, flat)).toMatch(
      /; the tuned model mentions more .* not shown to invent more\.$/,
    )
    expect(words({ ...flat, cover: above, chair: above }, flat)).toMatch(
      /; .* mentions more .*, but invents more as well\.$/,
    )
    const longer = { ...flat, cover: above, meanLength: { value: 3, low: 2.7, high: 3.3 } }
    expect(words(longer, flat)).toContain('to its length (which came out 3.0 words shorter) and is')
    expect(truncationVerdict(longer, flat, 100).beatsL).toBe(true)
    expect(words({ ...flat, meanLength: below }, flat)).toContain('(which came out 2.0 words longer)')
  })

  test('say nothing where too few captions have a second sentence', () => {
    const short = images(([first]) => [first as string]).map(({ truth, after }) => ({
      truth,
      before: after,
      after,
    }))
    const { controls } = judged(evaluate(short, judge, options))
    expect(controls.cuttable).toBe(0)
    expect(controls.verdict).toEqual({
      message: expect.stringMatching(/cannot be told: only 0% of the captions/),
    })
    const { controls: usual } = judged(evaluate(honest, judge, options))
    expect(usual.cuttable).toBe(100)
    const third = [...short.slice(0, 100), ...honest.slice(0, 200)]
    expect(judged(evaluate(third, judge, options)).controls).toMatchObject({
      cuttable: expect.closeTo(66.7, 1),
      verdict: { helps: true },
    })
  })
})

test('an interval holds its value', () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constant(5)), {
    minLength: 5,
    maxLength: 40,
  })
  fc.assert(
    fc.property(rows, fc.nat(1000), (counts, seed) => {
      const { value, low, high } = bootstrap(counts, (sums) => (sums[0] ?? 0) / (sums[1] ?? 1), {
        samples: 300,
        seed,
      })
      expect(low).toBeLessThanOrEqual(value + 1e-12)
      expect(high).toBeGreaterThanOrEqual(value - 1e-12)
    }),
    { numRuns: 50 },
  )
})

describe('which objects are invented', () => {
  const caption = (text: string, ...truth: string[]) => {
    const known = { truth, hallu: [] }
    return { truth: known, judgement: amber.judge(judge.nouns(text), known) }
  }
  const captions = [
    caption('A dog and a cat.', 'dog'),
    caption('A dog and a cat and a cat.', 'dog', 'tree'),
    caption('A dog.', 'dog'),
    caption('A cat.', 'cat'),
    caption('A boat.', 'boat'),
    caption('A cat and a boat.', 'boat'),
  ]

  const counter = new ObjectCounter()
  for (const each of captions) counter.add(each)

  test('how often each', () => {
    expect(counter.rates().slice(0, 2)).toEqual([
      { noun: 'cat', mentions: 5, flagged: 4, rate: 80 },
      { noun: 'dog', mentions: 3, flagged: 0, rate: 0 },
    ])
  })

  test('beside what', () => {
    expect(counter.coOccurrences(2)).toEqual([
      { noun: 'cat', beside: 'dog', images: 3, invented: 2, rate: 200 / 3, rateElsewhere: 50 },
      { noun: 'cat', beside: 'boat', images: 2, invented: 1, rate: 50, rateElsewhere: 200 / 3 },
    ])
    expect(counter.coOccurrences()).toEqual([])
  })
})
