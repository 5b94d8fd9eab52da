import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { logpsBackward, logpsForward } from './logps.ts'

const random = new Random(1)
const [rows, cols, vocabulary, scale] = [3, 5, 17, 0.7]
const hidden = random.normals(rows * cols)
const weight = random.normals(vocabulary * cols)
const targets = [4, vocabulary, 16] // the second row is padding
const dlogps = random.normals(rows)

test('the reference gradient of the fused head agrees with central differences', () => {
  const gradient = logpsBackward(hidden, weight, targets, dlogps, scale)
  const error = gradientError((h) => logpsForward(h, weight, targets, scale).logps, hidden, dlogps, gradient)
  expect(error).toBeLessThan(TOLERANCES.gradient)
})

test('a gradient without the expectation over the vocabulary is caught', () => {
  const wrong = Float64Array.from(hidden, (_, i) => {
    const row = Math.floor(i / cols)
    const target = targets[row] ?? 0
    return target < vocabulary ? scale * (dlogps[row] ?? 0) * (weight[target * cols + (i % cols)] ?? 0) : 0
  })
  const error = gradientError((h) => logpsForward(h, weight, targets, scale).logps, hidden, dlogps, wrong)
  expect(error).toBeGreaterThan(0.01)
})

test('equal logits give the entropy of a uniform choice', () => {
  const { entropy, lse, argmax } = logpsForward([0], new Float64Array(8).fill(1), [3])
  expect(entropy[0]).toBeCloseTo(Math.log(8), 12)
  expect(lse[0]).toBeCloseTo(Math.log(8), 12)
  expect(argmax[0]).toBe(0)
})
