import { expect, test } from 'vitest'
import { BottomSample } from '../../src/pipeline/sample.ts'

function sampled(keys: readonly string[], size: number): BottomSample<string> {
  const sample = new BottomSample<string>(size)
  for (const key of keys) sample.add(key, key)
  return sample
}

const keys = Array.from({ length: 2000 }, (_, i) => `heldout_${String(i).padStart(4, '0')}.png`)

test('a sample is the same in whatever order the items come, and knows how many came', () => {
  const { items, seen } = sampled(keys, 50)
  expect(seen).toBe(2000)
  expect(new Set(items).size).toBe(50)
  expect(sampled(keys.toReversed(), 50).items).toEqual(items)
  expect(sampled(keys, 20).items).toEqual(items.slice(0, 20)) // a smaller one is its beginning
})

test('keeps all where there are no more', () => {
  expect(sampled(keys.slice(0, 7), 50).items.toSorted()).toEqual(keys.slice(0, 7))
  expect(sampled([], 5).items).toEqual([])
})

test('is spread evenly over items whose keys are alike', () => {
  const tenths = new Array<number>(10).fill(0)
  for (const key of sampled(keys, 500).items) {
    const tenth = Math.floor(keys.indexOf(key) / 200)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  const chiSquared = tenths.reduce((sum, count) => sum + (count - 50) ** 2 / 50, 0)
  expect(chiSquared).toBeLessThan(21.7) // 99% of uniform samples, 9 degrees of freedom
})
