import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  AMBER_COUNTS,
  AmberJudge,
  type AmberTruth,
  amberCounts,
  amberScores,
} from '../../src/evaluate/amber.ts'
import { type YesNo, type YesNoAnswer, yesNoScores } from '../../src/evaluate/yes-no.ts'
import { loadNounFinder } from '../../src/method/nouns.ts'
import golden from '../goldens/amber-world.json'

const read = (name: string): string => readFileSync(`public/data/emoji-scenes/amber/${name}`, 'utf8')
const annotations = JSON.parse(read('annotations.json')) as (AmberTruth & { type: string })[]

describe('AMBER’s own script, run on the embedded world’s files with emoji-llava’s answers, prints', () => {
  test('the generative figures that our nouns and counts give', async () => {
    const vocabulary = {
      association: JSON.parse(read('relation.json')),
      safeWords: read('safe_words.txt').split('\n'),
    }
    const judge = new AmberJudge(vocabulary)
    const finder = await loadNounFinder()
    const sums = new Float64Array(AMBER_COUNTS.length)
    for (const [i, caption] of golden.captions.entries()) {
      const counts = amberCounts(judge.judge(finder.nouns(caption), annotations[i] as AmberTruth))
      for (const [k, count] of counts.entries()) sums[k] = (sums[k] as number) + count
    }
    expect(golden.captions).toHaveLength(1000)
    const rounded = Object.entries(amberScores(sums)).map(([name, value]) => [name, Number(value.toFixed(1))])
    expect(Object.fromEntries(rounded)).toEqual(golden.generative)
  })

  test.each([
    ['discriminative', () => true, 1e-4],
    ['existence', (type: string) => type === 'discriminative-hallucination', 1e-3],
  ] as const)('the %s figures that ours are', (name, isOf, addition) => {
    const asked = annotations.filter(({ type }) => type !== 'generative')
    const answers = asked.flatMap(({ type, truth }, i): YesNoAnswer[] =>
      isOf(type)
        ? [{ truth: truth as unknown as YesNo, answer: golden.answers[i] === 'y' ? 'yes' : 'no' }]
        : [],
    )
    expect(golden.answers).toHaveLength(asked.length)
    const { accuracy, no } = yesNoScores(answers, addition)
    expect({ accuracy: Number(accuracy.toFixed(1)), ...no }).toEqual(golden[name])
  })
})
