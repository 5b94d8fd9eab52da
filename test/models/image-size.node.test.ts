import { expect, test } from 'vitest'
import { targetSize } from '../../src/models/image-size.ts'

test.each([
  [[60, 1], 5000, [4096, 68]],
  [[3, 8000], 4500, [1, 4096]],
  [[640, 427], 2048, [2048, 1366]],
  [[500, 3], 1536, [1536, 10]],
  [[3, 7], 41, [18, 41]],
  [[4000, 4001], 4097, [4095, 4096]],
])(
  '%j with a longest edge of %i is resized to %j, as by transformers’ Idefics 3',
  ([width = 0, height = 0], edge, size) => {
    expect(targetSize({ width, height }, { longest_edge: edge })).toEqual(size)
  },
)

test('a size that says two things or none is refused', () => {
  const image = { width: 4, height: 3 }
  expect(() => targetSize(image, { longest_edge: 4, shortest_edge: 3 })).toThrow(
    'size: expected height and width',
  )
  expect(() => targetSize(image, { height: 4 })).toThrow('got {"height":4}')
})
