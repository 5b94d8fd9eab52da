import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type AttentionLayout,
  causalLayout,
  fullLayout,
  type Pack,
  packedLayout,
  queryRangesOf,
} from '../../src/kernels/packing.ts'
import { seesByRanges } from './attention.ts'

const packs = fc.array(
  fc.record({
    prefixLength: fc.integer({ min: 0, max: 6 }),
    segmentLengths: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 3 },
)
const lengths = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 })

/** Which pack and segment (-1: the prefix) a row belongs to, and its place there. */
function rowsOf(list: readonly Pack[]): { pack: number; segment: number; index: number }[] {
  return list.flatMap(({ prefixLength, segmentLengths }, pack) =>
    [prefixLength, ...segmentLengths].flatMap((length, part) =>
      Array.from({ length }, (_, index) => ({ pack, segment: part - 1, index })),
    ),
  )
}

/** Every pair agrees with the definition, the intervals are disjoint, and queryRanges is the tightest cover. */
function expectLayout(layout: AttentionLayout, sees: (i: number, j: number) => boolean): void {
  const stated = seesByRanges(layout.ranges)
  let pairs = 0
  for (let j = 0; j < layout.keyRows; j++) {
    const viewers = []
    for (let i = 0; i < layout.queryRows; i++) {
      expect(stated(i, j), `row ${i} sees key ${j}`).toBe(sees(i, j))
      if (sees(i, j)) viewers.push(i)
    }
    pairs += viewers.length
    const [first = 0, end = 0] = layout.queryRanges.slice(2 * j, 2 * j + 2)
    expect([first, end]).toEqual(viewers.length ? [viewers[0], (viewers.at(-1) ?? 0) + 1] : [0, 0])
  }
  expect(layout.pairs, 'pairs, counted by intervals, so that an overlap shows').toBe(pairs)
}

test('a packed row sees its prefix and its own segment up to itself, and positions continue from the prefix', () => {
  fc.assert(
    fc.property(packs, (list) => {
      const rows = rowsOf(list)
      const layout = packedLayout(list)
      expect(layout.queryRows).toBe(rows.length)
      expectLayout(layout, (i, j) => {
        const [a, b] = [rows[i], rows[j]]
        if (!a || !b || a.pack !== b.pack) return false
        return b.segment === a.segment ? b.index <= a.index : b.segment === -1
      })
      const positions = rows.map(({ pack, segment, index }) =>
        segment === -1 ? index : (list[pack]?.prefixLength ?? 0) + index,
      )
      expect([...layout.positions]).toEqual(positions)
    }),
    { numRuns: 50 },
  )
})

test('causal and full layouts keep sequences apart', () => {
  fc.assert(
    fc.property(lengths, (list) => {
      const owner = list.flatMap((length, s) => Array.from({ length }, () => s))
      expectLayout(causalLayout(list), (i, j) => owner[i] === owner[j] && j <= i)
      expectLayout(fullLayout(list), (i, j) => owner[i] === owner[j])
    }),
    { numRuns: 50 },
  )
})

test('queryRangesOf covers any two intervals, also where keys outnumber queries', () => {
  const interval = fc.tuple(fc.nat(12), fc.nat(12)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)])
  fc.assert(
    fc.property(fc.array(fc.tuple(interval, interval), { maxLength: 6 }), (list) => {
      const ranges = list.flat(2)
      const sees = seesByRanges(ranges)
      const cover = queryRangesOf(ranges, 12)
      for (let j = 0; j < 12; j++) {
        const viewers = list.map((_, i) => i).filter((i) => sees(i, j))
        const expected = viewers.length ? [viewers[0], (viewers.at(-1) ?? 0) + 1] : [0, 0]
        expect([...cover.slice(2 * j, 2 * j + 2)]).toEqual(expected)
      }
    }),
  )
})

test('lengths that are not whole numbers are refused', () => {
  expect(() => packedLayout([{ prefixLength: -1, segmentLengths: [] }])).toThrow(
    'expected a length from 0, got -1',
  )
})
