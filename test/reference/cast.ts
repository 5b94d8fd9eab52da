import { halfBits, halfValue } from './half.ts'

/** The f16 nearest to a number, ties to even, as a number; +-65504 past f16's range. */
export function roundToF16(value: number): number {
  return halfValue(halfBits(value))
}
