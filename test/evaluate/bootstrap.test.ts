import { describe, expect, test } from 'vitest'
import { bootstrap, pairedBootstrap } from '../../src/evaluate/bootstrap.ts'
import { Random } from '../support/random.ts'

const ratio = (sums: Float64Array): number => (sums[0] ?? 0) / (sums[1] ?? 1)
const random = new Random(3)
const images = 400
const before = Array.from({ length: images }, () => [random.below(4), 4])
const after = before.map(([hits = 0]) => [Math.max(0, hits - (random.uniform() < 0.3 ? 1 : 0)), 4])

describe('the bootstrap', () => {
  test('has the width that the normal approximation gives', () => {
    const { value, low, high } = bootstrap(before, ratio, { samples: 8000 })
    const shares = before.map(([hits = 0]) => hits / 4)
    const mean = shares.reduce((a, b) => a + b, 0) / images
    const deviation = Math.sqrt(shares.reduce((sum, x) => sum + (x - mean) ** 2, 0) / images)
    expect(value).toBeCloseTo(mean, 12)
    expect((high - low) / ((2 * 1.96 * deviation) / Math.sqrt(images))).toBeCloseTo(1, 1)
  })

  test('of a difference is paired: far narrower than that of its parts', () => {
    const paired = pairedBootstrap(before, after, ratio)
    const single = bootstrap(before, ratio)
    expect(paired.high).toBeLessThan(0)
    expect(paired.high - paired.low).toBeLessThan(0.6 * (single.high - single.low))
    expect(paired.value).toBeCloseTo(bootstrap(after, ratio).value - single.value, 12)
  })

  test('negative control: no difference is not found', () => {
    const shuffled = before.map((_, i) => before[(i * 7 + 3) % images] ?? [0, 4])
    const { low, high } = pairedBootstrap(before, shuffled, ratio)
    expect(low).toBeLessThan(0)
    expect(high).toBeGreaterThan(0)
  })

  test('repeats, and differs by seed', () => {
    expect(bootstrap(before, ratio, { seed: 1 })).toEqual(bootstrap(before, ratio, { seed: 1 }))
    expect(bootstrap(before, ratio, { seed: 2 }).low).not.toBe(bootstrap(before, ratio, { seed: 1 }).low)
  })

  test('needs images, and the same ones', () => {
    expect(() => bootstrap([], ratio)).toThrow('at least one image')
    expect(() => pairedBootstrap(before, after.slice(1), ratio)).toThrow(
      'expected the same images, got 400 before and 399 after',
    )
  })
})
