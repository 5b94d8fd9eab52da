import { expect, test } from 'vitest'
import type { TruthQuestion } from '../../src/data/truth.ts'
import { chooseQuestions } from '../../src/pipeline/stages/choose-questions.ts'

/** As the embedded world has them: of each picture first a thing that is there, then one that is not. */
function questionsOf(place: number): TruthQuestion[] {
  const alternating = place % 2 === 0 ? 'Yes' : 'No'
  return [
    { kind: 'existence', text: 'there', answer: 'Yes' },
    { kind: 'existence', text: 'not there', answer: 'No' },
    { kind: 'colour', text: 'red', answer: alternating },
    { kind: 'number', text: 'two', answer: alternating },
  ]
}

test('some of the questions give every kind and both answers their share', () => {
  for (const most of [1, 2, 3]) {
    const chosen = Array.from({ length: 400 }, (_, i) => chooseQuestions(questionsOf(i), most, i))
    expect(chosen.every(({ length }) => length === most)).toBe(true)
    const share = (text: string) =>
      chosen.filter((some) => some.some((question) => question.text === text)).length / chosen.length
    for (const text of ['there', 'not there', 'red', 'two']) expect(share(text)).toBeCloseTo(most / 4)
  }
})

test('null, and a number that is not reached, mean all, in their order', () => {
  const all = questionsOf(0)
  expect(chooseQuestions(all, null, 3)).toEqual(all)
  expect(chooseQuestions(all, 9, 3)).toEqual(all)
  expect(chooseQuestions(all, 3, 1)).toEqual([all[1], all[2], all[3]])
  expect(chooseQuestions([], 3, 1)).toEqual([])
  expect(chooseQuestions(all, 0, 1)).toEqual([])
})
