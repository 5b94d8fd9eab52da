import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bestThreshold, rocAuc } from '../../src/evaluate/roc.ts'

const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 30 })

describe('area under the curve', () => {
  test('is the share of pairs in order, ties half', () => {
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const pairs = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)))
        const share = pairs.reduce((sum: number, win) => sum + win, 0) / pairs.length
        expect(rocAuc(positives, negatives)).toBeCloseTo(share, 12)
        expect(rocAuc(negatives, positives)).toBeCloseTo(1 - share, 12)
      }),
    )
  })

  test.each([
    [[3, 4], [1, 2], 1],
    [[1, 2], [3, 4], 0],
    [[1, 1], [1], 0.5],
  ])('%j above %j: %d', (positives, negatives, area) => {
    expect(rocAuc(positives, negatives)).toBe(area)
  })
})

describe('best threshold', () => {
  test('no other parts the kinds better', () => {
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const { threshold, truePositiveRate, falsePositiveRate } = bestThreshold(positives, negatives)
        const rate = (values: number[], t: number) => values.filter((v) => v > t).length / values.length
        expect(truePositiveRate).toBe(rate(positives, threshold))
        expect(falsePositiveRate).toBe(rate(negatives, threshold))
        for (let t = -6; t <= 6; t += 0.5) {
          const gain = rate(positives, t) - rate(negatives, t)
          expect(gain).toBeLessThanOrEqual(truePositiveRate - falsePositiveRate + 1e-12)
        }
      }),
    )
  })

  test('lies between the kinds where they are apart, and takes nothing where nothing helps', () => {
    expect(bestThreshold([5, 7], [1, 2])).toEqual({
      threshold: 3.5,
      truePositiveRate: 1,
      falsePositiveRate: 0,
    })
    expect(bestThreshold([1, 2], [5, 7])).toEqual({
      threshold: 7,
      truePositiveRate: 0,
      falsePositiveRate: 0,
    })
  })
})

test('a kind that is missing, and scores that are no numbers, are refused', () => {
  expect(() => rocAuc([], [1])).toThrow('expected scores of both kinds, got 0 positives and 1 negatives')
  expect(() => bestThreshold([1], [Number.NaN])).toThrow('expected a number for each negative, got NaN')
})
