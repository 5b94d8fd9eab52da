import { expect, test } from 'vitest'
import { sentenceEnd } from '../../src/method/sentence-end.ts'

const first = (text: string): string | undefined => {
  const end = sentenceEnd(text)
  return end === undefined ? undefined : text.slice(0, end)
}

test.each([
  ['A dog runs. The', 'A dog runs.'],
  ['A dog runs.', undefined],
  [' A dog runs!  ', ' A dog runs!'],
  ['It is 3.5 m tall. It', 'It is 3.5 m tall.'],
  ['Mr. Hall waves. He', 'Mr. Hall waves.'],
  ['It is by J. Hall. He', 'It is by J. Hall.'],
  ['He said "stop." Then', 'He said "stop."'],
  ['Really?! Yes', 'Really?!'],
  ['... and then it ends. So', '... and then it ends.'],
  ['A list:\none', 'A list:'],
  ['\n\nA dog', undefined],
  ['这是一只狗。它', '这是一只狗。'],
  ['a red ball . the', 'a red ball .'],
  ['. a dog', undefined],
  ['', undefined],
])('%j', (text, sentence) => {
  expect(first(text)).toBe(sentence)
})

test('what has ended stays ended, whatever follows', () => {
  const text = 'The car is 2.5 m long (e.g. a van). "Mr. X. is here." It is red!\nYes'
  const found = Array.from(text, (_, i) => sentenceEnd(text.slice(0, i + 1))).filter(
    (end) => end !== undefined,
  )
  expect(new Set(found)).toEqual(new Set([35]))
})
