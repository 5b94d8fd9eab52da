import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BinCounter, histogramOf } from '../../src/evaluate/histogram.ts'

function counted(values: readonly number[]): BinCounter {
  const counter = new BinCounter()
  for (const value of values) counter.add(value)
  return counter
}

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 })

describe('a histogram', () => {
  test('counts each value in the bin that holds it, in no more bins than asked for', () => {
    fc.assert(
      fc.property(values, values, fc.integer({ min: 2, max: 40 }), (a, b, most) => {
        const found = histogramOf({ a: counted(a), b: counted(b) }, most)
        if (!found) throw new Error('expected a histogram of values')
        const { start, width, series } = found
        for (const [name, own] of [
          ['a', a],
          ['b', b],
        ] as const) {
          const naive = series.a.counts.map(
            (_, bin) => own.filter((v) => v >= start + bin * width && v < start + (bin + 1) * width).length,
          )
          expect(series[name].counts).toEqual(naive)
          expect(series[name].count).toBe(own.length)
        }
        expect(series.a.counts.length).toBeLessThanOrEqual(most)
        expect(Number.isInteger(Math.log2(width))).toBe(true)
      }),
    )
  })

  test('knows the median to a narrow bin', () => {
    fc.assert(
      fc.property(values, (own) => {
        const median = histogramOf({ own: counted(own) })?.series.own.median ?? Number.NaN
        const sorted = own.toSorted((x, y) => x - y)
        const middle = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
        expect(Math.abs(median - middle)).toBeLessThanOrEqual(1 / 32)
      }),
    )
  })

  test('of one value is one narrow bin; of none there is none', () => {
    expect(histogramOf({ own: counted([3]) })).toEqual({
      start: 3,
      width: 1 / 16,
      series: { own: { counts: [1], count: 1, median: 3 + 1 / 32 } },
    })
    expect(histogramOf({ own: new BinCounter() })).toBeUndefined()
    expect(histogramOf({ a: counted([1]), b: new BinCounter() })?.series.b).toEqual({ counts: [0], count: 0 })
  })

  test('refuses fewer than two bins', () => {
    expect(() => histogramOf({ own: counted([-1, 1]) }, 1)).toThrow('expected at least 2 bins, got 1')
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
    expect(() => counted([value])).toThrow(`histogram: expected a finite number, got ${value}`)
  })
})
