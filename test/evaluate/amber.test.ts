import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  AMBER_COUNTS,
  AmberJudge,
  type AmberTruth,
  amberCounts,
  amberScores,
} from '../../src/evaluate/amber.ts'
import {
  amberScore,
  parseYesNo,
  type YesNo,
  type YesNoAnswer,
  yesNoScores,
} from '../../src/evaluate/yes-no.ts'
import { loadNounFinder } from '../../src/method/nouns.ts'
import golden from '../goldens/amber.json'
import nltk from '../goldens/nouns.json'
import { AMBER_FOLDER, amberTest, hasAmber } from '../support/benchmarks.ts'

const vocabulary = {
  association: { cat: ['kitten', 'fur'], dog: ['puppy', 'fur'], sofa: ['couch'], ball: [] },
  safeWords: ['picture', 'couch'],
}
const truth: AmberTruth = { truth: ['cat', 'sofa', 'cat'], hallu: ['dog', 'ball'] }

describe('a caption is judged as AMBER judges it', () => {
  const judge = new AmberJudge(vocabulary)

  test('by associates first, then by the words themselves; unknown words do not count', () => {
    const { nouns, covered, tempted } = judge.judge(
      ['kitten', 'fur', 'puppy', 'moon', 'couch', 'ball', 'ball'],
      truth,
    )
    expect(nouns.map(({ noun, verdict }) => `${noun} ${verdict}`)).toEqual([
      'kitten grounded',
      'fur grounded',
      'puppy hallucinated',
      'couch safe',
      'ball hallucinated',
      'ball hallucinated',
    ])
    expect(covered).toEqual([true, false, false])
    expect(tempted).toEqual([true, true])
  })

  test('a caption of nothing has no hallucination, and covers nothing', () => {
    expect(amberScores(amberCounts(judge.judge([], truth)))).toMatchObject({ chair: 0, cover: 0, cog: 0 })
  })

  test('a truth word without associates is an error', () => {
    expect(() => judge.judge([], { truth: ['zebra'], hallu: [] })).toThrow('expected associates of "zebra"')
  })
})

describe('yes/no answers', () => {
  const answers = (rows: [YesNo, YesNo | undefined][]): YesNoAnswer[] =>
    rows.map(([t, answer]) => ({ truth: t, answer }))

  test('are read from a reply’s first word', () => {
    expect(['Yes.', ' no, there is not', 'Maybe', '', '"Yes"'].map(parseYesNo)).toEqual([
      'yes',
      'no',
      undefined,
      undefined,
      'yes',
    ])
  })

  test('always "no" has a high F1 over "no" and says so by its yes-rate', () => {
    const always = yesNoScores(
      answers([
        ['no', 'no'],
        ['no', 'no'],
        ['yes', 'no'],
      ]),
    )
    expect(always.no.f1).toBe(79.9) // 80 but for AMBER's rounding and additions
    expect(always).toMatchObject({ yesRate: 0, yes: { f1: 0 } })
    expect(always.accuracy).toBeCloseTo(66.667, 2)
  })

  test('an answer that is neither is wrong', () => {
    expect(
      yesNoScores(
        answers([
          ['yes', undefined],
          ['yes', 'yes'],
        ]),
      ).accuracy,
    ).toBe(50)
  })

  test('an answer that is neither counts for POPE as its script reads it', () => {
    const neither = { truth: 'yes', answer: undefined, popeAnswer: 'yes' } as const
    const scores = yesNoScores([neither, { truth: 'no', answer: 'no' }])
    expect(scores).toMatchObject({ accuracy: 50, yesRate: 0, yes: { precision: 100, recall: 100, f1: 100 } })
    expect(scores).toMatchObject({ popeAccuracy: 100, popeYesRate: 50 })
  })

  test('AMBER’s one figure', () => {
    expect(amberScore(7.8, 74.7)).toBeCloseTo(83.45)
  })
})

describe('on AMBER’s own files', () => {
  const read = (name: string): string => readFileSync(`${AMBER_FOLDER}/${name}`, 'utf8')
  type Annotation = AmberTruth & { type: string; truth: unknown }
  let annotations: Annotation[] = []
  const byId = (id: number) => annotations[id - 1] as Annotation

  const lists = () => ({
    association: JSON.parse(read('relation.json')),
    safeWords: read('safe_words.txt').split('\n'),
  })

  beforeAll(() => {
    if (hasAmber) annotations = JSON.parse(read('annotations.json')) as Annotation[]
  })

  function scoresOf(captions: readonly { id: number; nouns: readonly string[] }[]) {
    const judge = new AmberJudge(lists())
    const sums = new Float64Array(AMBER_COUNTS.length)
    for (const { id, nouns } of captions) {
      amberCounts(judge.judge(nouns, byId(id))).forEach((count, i) => {
        sums[i] = (sums[i] as number) + count
      })
    }
    return amberScores(sums)
  }

  /** The picture of AMBER that names most of these nouns and least else. */
  function fittingPicture(nouns: readonly string[]): number {
    const match = (words: readonly string[]) =>
      2 * words.filter((w) => nouns.includes(w)).length - words.length
    const pictures = annotations.flatMap(({ type, truth: words }, i) =>
      type === 'generative' ? [{ id: i + 1, match: match(words as string[]) }] : [],
    )
    return pictures.reduce((best, picture) => (picture.match > best.match ? picture : best)).id
  }

  /** Points between them, measured: CHAIR 1.3, Cover 0.3, Hal 1.7, Cog 0. NLTK takes some nouns for adjectives, which lowers its CHAIR. */
  amberTest('the figures from our nouns are nearly those from NLTK’s', async () => {
    const finder = await loadNounFinder()
    const captions = nltk.captions.map(({ text, nouns }) => ({ text, nouns, id: fittingPicture(nouns) }))
    const theirs = scoresOf(captions)
    const ours = scoresOf(
      captions.map(({ text, id }) => ({ id, nouns: finder.nouns(text, { likeNltk: true }) })),
    )
    console.log('AMBER by our nouns and by NLTK’s:', ours, theirs)
    for (const name of ['chair', 'cover', 'hal', 'cog'] as const) {
      expect(Math.abs(ours[name] - theirs[name]), name).toBeLessThan(3)
    }
  })

  amberTest('the generative figures are those the script prints for the same nouns', () => {
    const scores = scoresOf(golden.captions)
    for (const [name, value] of Object.entries(scores)) {
      expect(Number(value.toFixed(1)), name).toBe(golden.generative[name as keyof typeof golden.generative])
    }
  })

  amberTest.each([
    ['discriminative', () => true, 1e-4],
    ['existence', (type: string) => type === 'discriminative-hallucination', 1e-3],
  ] as const)('the %s figures are those the script prints', (name, isOf, addition) => {
    const answers = golden.answers
      .filter(({ id }) => isOf(byId(id).type))
      .map(
        ({ id, response }): YesNoAnswer => ({
          truth: byId(id).truth as unknown as YesNo,
          answer: parseYesNo(response),
        }),
      )
    const { accuracy, no } = yesNoScores(answers, addition)
    expect({ accuracy: Number(accuracy.toFixed(1)), ...no }).toEqual(golden[name])
  })
})
