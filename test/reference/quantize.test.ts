import { expect, test } from 'vitest'
import { at } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { halfBits, halfValue } from './half.ts'
import { quantized } from './quantize.ts'

test('f16 bits of known numbers', () => {
  const known: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [1e6, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1 + 2 ** -11, 0x3c00], // a tie goes to the even neighbour
    [1 + 3 * 2 ** -11, 0x3c02],
  ]
  for (const [value, bits] of known) expect(halfBits(value)).toBe(bits)
  for (let bits = 0; bits < 0x7c00; bits += 7) expect(halfBits(halfValue(bits))).toBe(bits)
})

test.each(['int8', 'int4', 'f16'] as const)('%s keeps every value within its bound', (format) => {
  const values = new Random(1).normals(5 * 70)
  for (const scaleFormat of ['f32', 'f16'] as const) {
    const { values: kept, bounds } = quantized(values, 70, format, scaleFormat)
    expect(kept.every((v, i) => Math.abs(v - at(values, i)) <= at(bounds, i))).toBe(true)
  }
})

test('a bound half as wide would not hold', () => {
  const values = new Random(1).normals(5 * 70)
  const { values: kept, bounds } = quantized(values, 70, 'int8')
  expect(kept.some((v, i) => Math.abs(v - at(values, i)) > at(bounds, i) / 2)).toBe(true)
})
