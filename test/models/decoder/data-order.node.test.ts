import { describe, expect, test } from 'vitest'
import { epochOrder } from '../../../src/models/decoder/data-order.ts'

const COUNT = 60
const groups = Array.from({ length: COUNT }, (_, i) => `image ${i % 20}`)
const sorted = Array.from({ length: COUNT }, (_, i) => i)

describe.each([
  ['every pair', undefined],
  ['groups', groups],
])('the order of %s', (_, given) => {
  const order = (seed: number, epoch: number) =>
    epochOrder(COUNT, seed, epoch, { shuffle: true, groups: given })

  test('is a permutation that follows from seed and epoch', () => {
    expect(order(1, 0).toSorted((a, b) => a - b)).toEqual(sorted)
    expect(order(1, 0)).toEqual(order(1, 0))
    for (const other of [order(2, 0), order(1, 1), sorted]) expect(other).not.toEqual(order(1, 0))
  })
})

test('keeps pairs of a group together, in their order', () => {
  const order = epochOrder(COUNT, 1, 0, { shuffle: true, groups })
  for (let i = 0; i < COUNT; i += 3) {
    const [first = 0] = order.slice(i, i + 3)
    expect(order.slice(i, i + 3)).toEqual([first, first + 20, first + 40])
  }
  const apart = epochOrder(COUNT, 1, 0, { shuffle: true })
  expect(apart.filter((pair, i) => groups[pair] === groups[apart[i + 1] ?? 0]).length).toBeLessThan(10)
})

test('is the data’s without shuffling', () => {
  expect(epochOrder(COUNT, 1, 0, { shuffle: false, groups })).toEqual(sorted)
})
