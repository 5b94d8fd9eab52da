import { expect, test } from 'vitest'
import { spellTokens } from '../../../src/workers/policy/spelling.ts'

/** As a tokenizer that writes a space before every word but the first, and nothing for an end. */
const WORDS = ['a', 'cup', 'spoon', '</s>']
const decoder = {
  decodeText: (tokens: readonly number[]) =>
    tokens.flatMap((id) => (id === 3 ? [] : (WORDS[id] ?? []))).join(' '),
}

test('each token is the text it adds where it stands, and so are those that might have stood there', () => {
  const spelled = spellTokens(decoder, {
    tokens: [0, 1, 3],
    logprobs: [-0.1, -0.7, -0.2],
    top: [
      { ids: [0, 1], logprobs: [-0.1, -3] },
      { ids: [2, 1], logprobs: [-0.6, -0.7] },
      { ids: [3, 2], logprobs: [-0.2, -2] },
    ],
  })
  expect(spelled).toEqual([
    {
      text: 'a',
      logprob: -0.1,
      top: [
        { text: 'a', logprob: -0.1 },
        { text: 'cup', logprob: -3 },
      ],
    },
    {
      text: ' cup',
      logprob: -0.7,
      top: [
        { text: ' spoon', logprob: -0.6 },
        { text: ' cup', logprob: -0.7 },
      ],
    },
    {
      text: '',
      logprob: -0.2,
      top: [
        { text: '', logprob: -0.2 },
        { text: ' spoon', logprob: -2 },
      ],
    },
  ])
  expect(spelled.map(({ text }) => text).join('')).toBe(decoder.decodeText([0, 1, 3]))
})

test('without the likeliest ones there are the tokens alone', () => {
  expect(spellTokens(decoder, { tokens: [1], logprobs: [-1], top: [] })).toEqual([
    { text: 'cup', logprob: -1, top: [] },
  ])
})
