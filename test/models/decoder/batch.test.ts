import { describe, expect, test } from 'vitest'
import { NO_ROW } from '../../../src/kernels/rows.ts'
import { packSequences, predictingRows, type Sequence } from '../../../src/models/decoder/batch.ts'

const options = { imageTokenId: 9, hiddenSize: 2, vocabSize: 10, maxPositions: 16 }
const cat = { key: 'cat', ids: [1, 9, 9, 5], features: Float32Array.of(1, 2, 3, 4) }
const dog = { key: 'dog', ids: [1, 6] }
const sequences: Sequence[] = [
  { prefix: cat, answer: [3, 4, 2] },
  { prefix: cat, answer: [7, 2] },
  { prefix: dog, answer: [8, 2] },
  { prefix: dog, answer: [2] },
  { prefix: cat, answer: [7, 2] },
]

describe('packing', () => {
  const packed = packSequences(sequences, options)

  test('computes every prefix and every different answer once', () => {
    expect([...packed.ids]).toEqual([1, 9, 9, 5, 3, 4, 2, 7, 2, 1, 6, 8, 2, 2])
    expect([...packed.attention.positions]).toEqual([0, 1, 2, 3, 4, 5, 6, 4, 5, 0, 1, 2, 3, 2])
    expect(packed.unpackedTokens).toBe(7 + 6 + 4 + 3 + 6)
  })

  test('predicts an answer’s first token from the prefix’s last row, in the order of the sequences', () => {
    expect([...packed.offsets]).toEqual([0, 3, 5, 7, 8, 10])
    expect([...packed.targets]).toEqual([3, 4, 2, 7, 2, 8, 2, 2, 7, 2])
    expect([...packed.answerRows]).toEqual([3, 4, 5, 3, 7, 10, 11, 10, 3, 7])
  })

  test('predicts only what is not given', () => {
    const given = packSequences([{ prefix: cat, answer: [3, 4, 2], from: 2 }, ...sequences.slice(2)], options)
    expect([...given.ids]).toEqual([1, 9, 9, 5, 3, 4, 2, 7, 2, 1, 6, 8, 2, 2])
    expect([...given.offsets]).toEqual([0, 1, 3, 4, 6])
    expect([...given.targets]).toEqual([2, 8, 2, 2, 7, 2])
    expect([...given.answerRows]).toEqual([5, 10, 11, 10, 3, 7])
    const { index, positions, ranges, pairs, answerRows } = predictingRows(given)
    expect([...index]).toEqual([3, 5, 7, 10, 11])
    expect([...positions]).toEqual([3, 5, 4, 1, 2])
    expect([...ranges.slice(0, 12)]).toEqual([0, 0, 0, 4, 0, 4, 4, 6, 0, 4, 7, 8])
    expect(pairs).toBe(4 + 6 + 5 + 2 + 3)
    expect([...answerRows].map((row) => index[row])).toEqual([...given.answerRows])
  })

  test('lists by row what it predicts', () => {
    const { offsets, order } = packed.predicted
    const at = (row: number) => [...order.slice(offsets[row], offsets[row + 1])]
    expect([at(3), at(7), at(10), at(0)]).toEqual([[0, 3, 8], [4, 9], [5, 7], []])
  })

  test('puts each image’s features in place of its tokens', () => {
    expect([...packed.featureIndex.slice(0, 5)]).toEqual([NO_ROW, 0, 1, NO_ROW, NO_ROW])
    expect([...packed.features]).toEqual([1, 2, 3, 4])
  })

  test('can be left off, for comparison', () => {
    const unpacked = packSequences(sequences, { ...options, share: false })
    expect(unpacked.ids.length).toBe(unpacked.unpackedTokens)
    expect([...unpacked.targets]).toEqual([...packed.targets])
    expect(unpacked.features.length).toBe(12)
  })
})

test.each([
  [[], 'expected at least one sequence'],
  [[{ prefix: { key: 'x', ids: [] }, answer: [1] }], 'sequence 0: expected a prefix of at least one token'],
  [[{ prefix: dog, answer: [] }], 'sequence 0: expected an answer of at least one token'],
  [[{ prefix: dog, answer: [3, 2], from: 2 }], "one of the answer's tokens 0..1 on, got 2"],
  [[{ prefix: dog, answer: [10] }], 'expected token ids in 0..9, got 10'],
  [[{ prefix: dog, answer: Array(15).fill(1) }], 'expected at most 16 tokens, got 17'],
  [[{ prefix: { key: 'x', ids: [9, 1] }, answer: [1] }], 'for each of 1 image tokens, got 0'],
  [[{ prefix: { ...cat, ids: [1, 9] }, answer: [1] }], 'for each of 1 image tokens, got 2'],
  [[{ prefix: cat, answer: [9] }], 'expected image tokens in the prompt only'],
  [
    [
      { prefix: dog, answer: [1] },
      { prefix: { key: 'dog', ids: [1] }, answer: [1] },
    ],
    'to have one text, got two',
  ],
] as [Sequence[], string][])('input that does not fit is refused: %#', (bad, message) => {
  expect(() => packSequences(bad, options)).toThrow(message)
})
