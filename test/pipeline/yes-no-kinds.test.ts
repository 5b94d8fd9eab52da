import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MeasuredImage } from '../../src/pipeline/stages/measure.ts'
import { yesNoKinds } from '../../src/pipeline/yes-no-kinds.ts'
import { hashOf, StoredOutputs } from '../support/stored-outputs.ts'

let outputs: StoredOutputs
beforeEach(() => {
  outputs = new StoredOutputs()
})
afterEach(() => outputs.close())

test('questions are counted by kind, before and after', async () => {
  const asked = (answer: 'yes' | 'no' | undefined) =>
    Array.from(
      { length: 6 },
      (_, i): MeasuredImage => ({
        image: `${i}.png`,
        imageHash: hashOf(i),
        caption: '',
        numTokens: 0,
        finishReason: 'stop',
        answers: [
          { kind: i < 4 ? 'existence' : 'colour', text: '?', truth: i % 2 === 0 ? 'yes' : 'no', answer },
        ],
      }),
    )
  const before = await outputs.output('results', [asked('yes').slice(0, 3), asked('yes').slice(3)], {
    images: 6,
  })
  const after = await outputs.output('results', [asked(undefined)], { images: 6 })
  const always = { accuracy: 50, yesRate: 100, yes: { precision: 50, recall: 100 }, no: { recall: 0 } }
  const never = { accuracy: 0, yesRate: 0, yes: { recall: 0 }, no: { recall: 0 } }
  expect(await yesNoKinds(before, after)).toMatchObject([
    { kind: 'existence', questions: 4, before: always, after: never },
    { kind: 'colour', questions: 2, before: always, after: never },
  ])
})

test('F1 of existence has its own addition, as in AMBER’s script', async () => {
  const answers = (kind: string): MeasuredImage['answers'] =>
    Array.from({ length: 100 }, (_, i) => ({
      kind,
      text: '?',
      truth: i < 50 ? 'no' : 'yes',
      answer: i === 0 ? 'yes' : i < 50 ? 'no' : 'yes',
    }))
  const image = {
    image: 'a.png',
    imageHash: hashOf(0),
    caption: '',
    numTokens: 0,
    finishReason: 'stop',
  } as const
  const measured = await outputs.output(
    'results',
    [[{ ...image, answers: [...answers('existence'), ...answers('state')] }]],
    {
      images: 1,
    },
  )
  const kinds = await yesNoKinds(measured, measured)
  expect(kinds.map(({ kind, before: { no } }) => [kind, no])).toEqual([
    ['existence', { precision: 100, recall: 98, f1: 98.9 }],
    ['state', { precision: 100, recall: 98, f1: 99 }],
  ])
})
