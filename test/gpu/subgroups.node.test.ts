import { describe, expect, test } from 'vitest'
import { subgroupFault } from '../../src/gpu/subgroups.ts'

const WORKGROUP = 64
const FIELDS = 12

/** What the probe writes where invocation i of a workgroup sits in place `placeOf(i)` of its subgroups of `size`. */
function layout(size: number, placeOf: (i: number) => number = (i) => i): Uint32Array<ArrayBuffer> {
  const invocations = Array.from({ length: WORKGROUP }, (_, i) => i)
  const at = new Map(invocations.map((i) => [placeOf(i), i]))
  const member = (place: number): number => at.get(place) ?? Number.NaN
  const rows = invocations.map((i) => {
    const place = placeOf(i)
    const first = place - (place % size)
    const members = Array.from({ length: size }, (_, lane) => member(first + lane))
    const quad = [0, 1, 2, 3].map((lane) => member(place - (place % 4) + lane))
    const swapped = [1, 2, 3].map((bit) => member(place ^ bit))
    return [size, place % size, Math.min(...members), Math.max(...members), place % 4, ...swapped, ...quad]
  })
  return Uint32Array.from([...rows, ...rows].flat()) // two workgroups
}

test.each([4, 8, 16, 32, 64])('neighbours in subgroups of %i are what kernels assume', (size) => {
  expect(subgroupFault(layout(size))).toBeUndefined()
})

describe('refused, and why:', () => {
  test.each<[string, Uint32Array, string]>([
    ['subgroups of one', layout(1), 'expected subgroups of 4, 8, 16, 32 or 64'],
    ['subgroups of two', layout(2), "of a workgroup's 64 invocations, got 2"],
    ['an empty answer', new Uint32Array(0), 'got 0'],
    [
      'members dealt round like cards',
      layout(16, (i) => (i % 4) * 16 + (i >> 2)),
      'expected neighbours in one subgroup: invocation 0 with greatest member of its subgroup 15, got 60',
    ],
    [
      'lanes in reverse',
      layout(16, (i) => i ^ 15),
      'expected neighbours in one subgroup: invocation 0 with lane 0, got 15',
    ],
    [
      'quads that are squares of an 8 x 8 tile',
      layout(64, (i) => (i & 0b110001) | ((i & 0b001000) >> 2) | ((i & 0b000110) << 1)),
      'invocation 0 with neighbour along y 2, got 8',
    ],
  ])('%s', (_, seen, reason) => {
    expect(subgroupFault(seen)).toContain(reason)
  })

  test('any single field that is off, in any workgroup', () => {
    for (let field = 0; field < FIELDS; field++) {
      const seen = layout(16)
      const at = (WORKGROUP + 37) * FIELDS + field
      seen[at] = (seen[at] ?? 0) + 1
      expect(subgroupFault(seen), `field ${field}`).toContain('invocation 37')
    }
  })
})
