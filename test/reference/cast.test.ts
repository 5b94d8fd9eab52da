import { expect, test } from 'vitest'
import { roundToF16 } from './cast.ts'
import { halfValue } from './half.ts'

test('every finite f16 is its own nearest, and halves between neighbours go to the even one', () => {
  const wrong: number[] = []
  for (let bits = 0; bits < 0x7bff; bits++) {
    const value = halfValue(bits)
    const next = halfValue(bits + 1)
    const kept = roundToF16(value) === value && roundToF16(-value) === -value
    const tie = roundToF16((value + next) / 2) === (bits % 2 === 0 ? value : next)
    if (!kept || !tie) wrong.push(bits)
  }
  expect(wrong).toEqual([])
})

test('known values', () => {
  expect(halfValue(0x3c00)).toBe(1)
  expect(halfValue(0xc000)).toBe(-2)
  expect(halfValue(0x0001)).toBe(2 ** -24)
  expect(roundToF16(0.1)).toBe(0.0999755859375)
  expect(roundToF16(1e6)).toBe(65504)
})
