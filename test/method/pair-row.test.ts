import { describe, expect, test } from 'vitest'
import type { PreferencePair } from '../../src/method/candidate.ts'
import { pairRow, trainingRow } from '../../src/method/pair-row.ts'
import { parsePairSettings } from '../../src/method/pair-settings.ts'
import { formPairs } from '../../src/method/pairs.ts'
import { scored } from '../support/candidates.ts'

const pair = (fields: Partial<PreferencePair> = {}): PreferencePair => ({
  images: ['a.png'],
  imageHash: 'a'.repeat(64),
  prompt: 'Describe this.',
  chosen: ' A dog.',
  rejected: 'A cat. ',
  chosenScore: 25,
  rejectedScore: 20,
  gap: 5,
  rule: 'best-worst',
  ...fields,
})
const verbatim = { prompt: 'USER: <image>\nDescribe this. ASSISTANT: A dog.', end: '</s>' }

describe('a pair as TRL reads it', () => {
  test('is a chat where its answers are whole', () => {
    expect(trainingRow(pair({ weight: 2 }), 'a.png')).toEqual({
      images: ['a.png'],
      prompt: [{ role: 'user', content: 'Describe this.' }],
      chosen: [{ role: 'assistant', content: 'A dog.' }],
      rejected: [{ role: 'assistant', content: 'A cat.' }],
      weight: 2,
    })
  })

  test('of next sentences follows what both share, and ends with the end token where ending is a choice', () => {
    const next = pair({ context: ' A dog.', chosen: ' It runs.', rejected: '', verbatim })
    expect(trainingRow(next, 'a.png')).toEqual({
      images: ['a.png'],
      prompt: verbatim.prompt,
      chosen: ' It runs.',
      rejected: '</s>',
    })
  })

  test('ends only those answers that the model ended', () => {
    const cut = pair({ unfinished: ['rejected'], verbatim })
    expect(trainingRow(cut, 'a.png')).toMatchObject({ chosen: ' A dog.</s>', rejected: 'A cat. ' })
    const both = pair({ unfinished: ['chosen', 'rejected'], verbatim: { prompt: 'x' } })
    expect(trainingRow(both, 'a.png')).toMatchObject({ prompt: 'x', chosen: ' A dog.', rejected: 'A cat. ' })
  })

  test('cannot be written where that is not known', () => {
    expect(() => trainingRow(pair({ context: '' }), 'a.png')).toThrow(/a\.png: expected verbatim/)
    expect(() => trainingRow(pair({ unfinished: ['chosen'] }), 'a.png')).toThrow(/expected verbatim/)
  })

  test('is a line of pairs.jsonl with what CLIP said beside', () => {
    expect(pairRow(pair({ context: ' A dog.', verbatim }))).toEqual({
      images: [`images/${'a'.repeat(64)}`],
      prompt: verbatim.prompt,
      chosen: ' A dog.',
      rejected: 'A cat. ',
      name: 'a.png',
      context: ' A dog.',
      chosenScore: 25,
      rejectedScore: 20,
      gap: 5,
      rule: 'best-worst',
    })
  })
})

test('pairs know which of their answers were cut off', () => {
  const candidates = [
    scored(25, { text: 'A dog runs.' }),
    scored(20, { text: 'A cat runs', candidate: 1, finishReason: 'length', verbatim }),
  ]
  const { pairs } = formPairs(candidates, parsePairSettings({ keepUnfinished: true }))
  expect(pairs).toMatchObject([{ unfinished: ['rejected'], verbatim }])
})
