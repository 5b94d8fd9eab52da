import { expect, test } from 'vitest'
import { checkOffsets, checkPairs, meanUnitRow } from '../../../src/models/clip/embeddings.ts'

const rows = (...values: number[]) => Float32Array.from(values)

test('the mean of unit rows, whatever the length of the rows, zero rows counted', () => {
  const { row, length } = meanUnitRow(rows(3, 4, 0, 1e-30, 0, 0, 6e30, -8e30), 2)
  expect(row[0]).toBeCloseTo((0.6 + 0 + 0 + 0.6) / 4, 6)
  expect(row[1]).toBeCloseTo((0.8 + 1 + 0 - 0.8) / 4, 6)
  expect(length).toBeCloseTo(Math.hypot(0.3, 0.25), 6)
})

test('sizes that do not fit are refused', () => {
  expect(checkPairs({ images: rows(1, 2), texts: rows(), dim: 2 })).toEqual({ imageCount: 1, textCount: 0 })
  expect(() => checkPairs({ images: rows(1, 2), texts: rows(1, 2, 3), dim: 2 })).toThrow(
    'expected texts in rows of 2 numbers, got 3 numbers',
  )
  expect(() => checkPairs({ images: rows(), texts: rows(), dim: 0 })).toThrow('expected dim')
})

test.each([
  [[0, 2, 5], 3, 5, 'expected 4 offsets, one for each of 3 images and the end, got 3'],
  [[0, 2, 4], 2, 5, 'expected offsets from 0 to 5, the number of texts, got 0 to 4'],
  [[1, 2, 5], 2, 5, 'got 1 to 5'],
  [[0, 4, 3, 5], 3, 5, 'expected offsets that never fall, got 4 then 3 at 2'],
])('offsets %j of %d images and %d texts', (offsets, images, texts, message) => {
  expect(() => checkOffsets(Uint32Array.from(offsets), images, texts)).toThrow(message)
})

test('offsets that fit pass, images without texts included', () => {
  checkOffsets(Uint32Array.of(0, 0, 5, 5), 3, 5)
  checkOffsets(Uint32Array.of(0), 0, 0)
})
