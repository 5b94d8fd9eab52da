import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePopeReply, parseYesNo, type YesNo, yesNoScores } from '../../src/evaluate/yes-no.ts'
import golden from '../goldens/pope.json'
import { POPE_FOLDER, popeTest } from '../support/benchmarks.ts'

test('replies are read as POPE reads them', () => {
  const replies = ['Yes.', 'No', 'NO', 'There is none. no', 'It is not there', 'Yes, no doubt', 'Nothing']
  expect(replies.map(parsePopeReply)).toEqual(['yes', 'no', 'yes', 'yes', 'no', 'no', 'yes'])
})

popeTest('the figures are those that POPE’s script prints for its own questions', () => {
  const lines = readFileSync(`${POPE_FOLDER}/coco_pope_adversarial.json`, 'utf8').trim().split('\n')
  const labels = new Map<number, YesNo>()
  for (const line of lines) {
    const { question_id: id, label } = JSON.parse(line) as { question_id: number; label: YesNo }
    labels.set(id, label)
  }
  expect(labels.size).toBe(3000)
  const answers = golden.replies.map(({ id, reply }) => ({
    truth: labels.get(id) as YesNo,
    answer: parseYesNo(reply),
    popeAnswer: parsePopeReply(reply),
  }))
  const { accuracy, popeAccuracy, popeYesRate, yes } = yesNoScores(answers)
  const figures = { accuracy: popeAccuracy, yesRate: popeYesRate, ...yes }
  for (const [name, value] of Object.entries(figures)) {
    expect(value / 100, name).toBeCloseTo(golden.figures[name as keyof typeof golden.figures], 12)
  }
  expect(accuracy).toBeLessThan(popeAccuracy) // replies that are neither are wrong, but not for POPE
})
