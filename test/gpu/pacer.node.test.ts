import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketOf } from '../../src/gpu/arena.ts'
import { type Grid, Pacer, SLICE_MS, splitGrid } from '../../src/gpu/pacer.ts'

const side = fc.integer({ min: 1, max: 16 })
const grids = fc.tuple(side, side, side) as fc.Arbitrary<Grid>

describe('splitGrid', () => {
  test('covers every workgroup once, with no side over the limit', () => {
    fc.assert(
      fc.property(
        grids,
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 16 }),
        (grid, pieces, maxSide) => {
          const seen = new Uint8Array(grid[0] * grid[1] * grid[2])
          const split = splitGrid(grid, pieces, maxSide)
          for (const { offset, count } of split) {
            expect(Math.max(...count)).toBeLessThanOrEqual(maxSide)
            for (let x = offset[0]; x < offset[0] + count[0]; x++)
              for (let y = offset[1]; y < offset[1] + count[1]; y++)
                for (let z = offset[2]; z < offset[2] + count[2]; z++) {
                  const group = (x * grid[1] + y) * grid[2] + z
                  seen[group] = (seen[group] ?? 0) + 1
                }
          }
          expect(seen.every((times) => times === 1)).toBe(true)
        },
      ),
      { numRuns: 60, seed: 1 },
    )
  })

  test('leaves a grid whole that fits', () => {
    expect(splitGrid([7, 3, 1], 1, 65535)).toEqual([{ offset: [0, 0, 0], count: [7, 3, 1] }])
  })

  test('cuts the longest axis', () => {
    expect(splitGrid([2, 10, 1], 2, 65535)).toEqual([
      { offset: [0, 0, 0], count: [2, 5, 1] },
      { offset: [0, 5, 0], count: [2, 5, 1] },
    ])
    expect(splitGrid([100_000, 1, 1], 1, 65535)).toHaveLength(2)
  })
})

describe('Pacer', () => {
  /** Feeds slices as large as the budget to a GPU of the given speed. */
  function settle(pacer: Pacer, workPerMs: number, slices: number): void {
    let clock = 1000
    for (let i = 0; i < slices; i++) {
      const work = pacer.budget
      const submittedAt = clock
      clock += work / workPerMs
      pacer.observe(work, submittedAt, clock)
      clock += 5
    }
  }

  test.each([3e5, 9e6, 1e10])('slices approach %f work per ms within 40 slices', (speed) => {
    const pacer = new Pacer()
    settle(pacer, speed, 40)
    expect(pacer.budget / speed).toBeGreaterThan(0.5 * SLICE_MS)
    expect(pacer.budget / speed).toBeLessThan(2 * SLICE_MS)
  })

  test('slices reported in one burst, because the page was busy, do not look infinitely fast', () => {
    const pacer = new Pacer(1e6)
    const work = pacer.budget
    for (let burst = 0; burst < 10; burst++) {
      const doneAt = 2000 * (burst + 1)
      for (let i = 0; i < 19; i++) pacer.observe(work, doneAt - 1900, doneAt + 0.01 * i)
    }
    expect(pacer.budget).toBeGreaterThan(0.4 * work)
    expect(pacer.budget).toBeLessThan(2.5 * work)
  })

  test('small slices that took long, because the page was busy, cannot make the budget vanish', () => {
    const pacer = new Pacer(1e6)
    for (let i = 0; i < 100; i++) pacer.observe(20_000, 5000 * i, 5000 * i + 4000)
    expect(pacer.budget).toBe(2e5 * SLICE_MS)
  })

  test('a slice is busy from its own submission or the end of the one before', () => {
    const pacer = new Pacer()
    expect(pacer.observe(1, 100, 150)).toBe(50)
    expect(pacer.observe(1, 110, 180)).toBe(30)
    expect(pacer.observe(1, 300, 310)).toBe(10)
  })
})

test('a size class holds what was asked for and wastes at most 1/16, or 256 bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (byteLength) => {
      const capacity = bucketOf(byteLength)
      expect(capacity % 256).toBe(0)
      expect(capacity).toBeGreaterThanOrEqual(Math.max(byteLength, 256))
      expect(capacity - byteLength).toBeLessThanOrEqual(Math.max(256, byteLength / 16))
      expect(bucketOf(capacity)).toBe(capacity)
    }),
    { seed: 1 },
  )
})
