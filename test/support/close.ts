import { expect } from 'vitest'
import { TOLERANCES, type ToleranceClass } from '../tolerances.ts'
import { relativeError } from './numeric.ts'

/** Asserts that a result agrees with its float64 reference within its class's tolerance. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  kind: ToleranceClass,
  what = '',
): void {
  const error = relativeError(actual, expected)
  if (import.meta.env.VITE_PRINT_ERRORS)
    console.log(`relative error ${kind} ${error.toExponential(2)} ${what}`)
  expect(error, `${what || kind}: relative error`).toBeLessThanOrEqual(TOLERANCES[kind])
}
