import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { embeddingBackward, embeddingForward } from './embedding.ts'

const random = new Random(11)
const [vocabulary, cols] = [5, 3]
const weight = random.normals(vocabulary * cols)
const ids = [4, 0, 4, 2]
const dout = random.normals(ids.length * cols)

test('the reference gradient of an embedding agrees with central differences', () => {
  const dweight = embeddingBackward(dout, ids, vocabulary, cols)
  const forWeight = (p: Float64Array) => embeddingForward(p, ids, cols)
  expect(gradientError(forWeight, weight, dout, dweight)).toBeLessThan(TOLERANCES.gradient)
  const shifted = embeddingBackward(dout, [0, 4, 2, 4], vocabulary, cols)
  expect(gradientError(forWeight, weight, dout, shifted)).toBeGreaterThan(0.01)
})
