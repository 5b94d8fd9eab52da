import { describe, expect, test } from 'vitest'
import { zeroShot } from '../../src/evaluate/zero-shot.ts'

describe('zero-shot classification', () => {
  const rows = [
    [30, 20, 10],
    [15, 25, 10],
    [20, 20, 20],
    [10, 22, 21],
  ]

  test('takes the nearest class, the first among equals', () => {
    expect(zeroShot(rows, [0, 1, 0, 2])).toEqual({
      top1: 75,
      isRight: [true, true, true, false],
      confusion: [
        [2, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
      ],
    })
  })

  test.each([
    [[], [], 'at least one item'],
    [rows, [0], 'a class for each of 4 items, got 1'],
    [rows, [0, 1, 2, 3], 'a class below 3 for item 3, got 3'],
    [[...rows.slice(1), [1]], [0, 0, 0, 0], '3 similarities of item 3, got 1'],
  ])('refuses what does not fit', (similarities, truth, message) => {
    expect(() => zeroShot(similarities, truth)).toThrow(message)
  })
})
