import { existsSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { AmberJudge, type AmberTruth, amberCounts, amberScores } from '../../src/evaluate/amber.ts'
import {
  amberScore,
  amberYesNo,
  parseYesNo,
  type YesNo,
  type YesNoAnswer,
  yesNoScores,
} from '../../src/evaluate/yes-no.ts'
import golden from '../goldens/amber.json'

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
    expect(always.no.f1).toBeCloseTo(80)
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

  test('AMBER’s one figure', () => {
    expect(amberScore(7.8, 74.7)).toBeCloseTo(83.45)
  })
})

const FOLDER = '../shared/data/amber'
const hasAmber = existsSync(`${FOLDER}/annotations.json`)
if (!hasAmber)
  console.warn(
    `AMBER's files are not in ${FOLDER}: what its own script prints is compared only where a user supplies them.`,
  )

describe.runIf(hasAmber)('on AMBER’s own files', () => {
  const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8')
  type Annotation = AmberTruth & { type: string; truth: unknown }
  let annotations: Annotation[] = []
  const byId = (id: number) => annotations[id - 1] as Annotation

  beforeAll(() => {
    annotations = JSON.parse(read('annotations.json')) as Annotation[]
  })

  test('the generative figures are those the script prints for the same nouns', () => {
    const judge = new AmberJudge({
      association: JSON.parse(read('relation.json')),
      safeWords: read('safe_words.txt').split('\n'),
    })
    const sums = new Float64Array(8)
    for (const { id, nouns } of golden.captions) {
      amberCounts(judge.judge(nouns, byId(id))).forEach((count, i) => {
        sums[i] = (sums[i] as number) + count
      })
    }
    for (const [name, value] of Object.entries(amberScores(sums))) {
      expect(Number(value.toFixed(1)), name).toBe(golden.generative[name as keyof typeof golden.generative])
    }
  })

  test.each([
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
    expect(amberYesNo(answers, addition)).toEqual(golden[name])
  })
})
