import { expect, test } from 'vitest'
import { at } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { rankCandidates, similarityMatrix, topOf } from './similarity.ts'

test('a vector is 100 like itself, 0 like one at right angles or zero, whatever their lengths', () => {
  const scores = similarityMatrix([3, 0, 0, 0], [5, 0, 0, 2, -1, 0, 0, 0, 1, 1], 2)
  expect([...scores.subarray(0, 4)]).toEqual([100, 0, -100, 0])
  expect(at(scores, 4)).toBeCloseTo(100 / Math.SQRT2, 12)
  expect([...scores.subarray(5)]).toEqual([0, 0, 0, 0, 0])
})

test('lengthening a text leaves its score; changing one component does not', () => {
  const random = new Random(1)
  const [image, text] = [random.normals(8), random.normals(8)]
  const score = at(similarityMatrix(image, text, 8), 0)
  expect(
    at(
      similarityMatrix(
        image,
        Float64Array.from(text, (v) => 7 * v),
        8,
      ),
      0,
    ),
  ).toBeCloseTo(score, 10)
  const changed = Float64Array.from(text, (v, c) => (c === 3 ? v + 0.1 : v))
  expect(Math.abs(at(similarityMatrix(image, changed, 8), 0) - score)).toBeGreaterThan(0.01)
})

test('ranks go from the best, equal scores by index, and empty lists have no extremes', () => {
  const { ranks, extremes } = rankCandidates([1, 3, 3, 2, 5], [0, 4, 4, 5])
  expect(ranks).toEqual([3, 0, 1, 2, 0])
  expect(extremes).toEqual([3, 1, 2, 0, 0, 0, 5, 5, 0])
  expect(topOf([1, 3, 3, 2], 3)).toEqual([1, 2, 3])
})
