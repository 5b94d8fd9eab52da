import { describe, expect, test } from 'vitest'
import { separation } from '../../src/evaluate/separation.ts'
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

describe('telling two kinds apart', () => {
  test('is perfect, by chance or the wrong way round', () => {
    expect(separation([5, 6], [1, 2])).toEqual({ auc: 1, threshold: 3.5, sensitivity: 100, specificity: 100 })
    expect(separation([1, 2, 3], [1, 2, 3]).auc).toBeCloseTo(0.5, 12)
    expect(separation([1, 2], [5, 6]).auc).toBe(0)
  })

  test('counts pairs, ties half', () => {
    expect(separation([3, 2], [2, 1])).toMatchObject({ auc: 0.875 })
    expect(() => separation([], [1])).toThrow('scores of both kinds, got 0 and 1')
  })
})
