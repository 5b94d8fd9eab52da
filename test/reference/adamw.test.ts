import { expect, test } from 'vitest'
import golden from '../goldens/adamw.json' with { type: 'json' }
import { at, relativeError } from '../support/numeric.ts'
import { adamWStep, adamWTwin, clipFactor } from './adamw.ts'

/** Largest relative error of any tensor after any of the golden's steps. */
function trajectoryError(maxNorm: number): number {
  const twin = adamWTwin(golden.initial)
  let worst = 0
  golden.steps.forEach(({ lr, grads, norm, parameters }, i) => {
    worst = Math.max(worst, Math.abs(clipFactor(grads, maxNorm).norm / norm - 1))
    adamWStep(twin, grads, lr, i + 1, maxNorm, golden.settings)
    parameters.forEach((expected, k) => {
      worst = Math.max(worst, relativeError(at2(twin.params, k), expected))
    })
  })
  return worst
}

function at2(arrays: readonly Float64Array[], k: number): Float64Array {
  const array = arrays[k]
  if (!array) throw new RangeError(`no tensor ${k}`)
  return array
}

test('ten clipped steps equal those of torch', () => {
  expect(trajectoryError(golden.maxNorm)).toBeLessThan(1e-12)
})

test('some steps of the golden are clipped and some are not', () => {
  const clipped = golden.steps.map(({ norm }) => norm > golden.maxNorm)
  expect(clipped).toContain(true)
  expect(clipped).toContain(false)
})

test('negative control: steps without clipping are told apart', () => {
  expect(trajectoryError(0)).toBeGreaterThan(1e-6)
})

test('one step against the gradient of a quadratic lowers it', () => {
  const twin = adamWTwin([[1, -2]])
  adamWStep(twin, [[1, -2]], 0.1, 1, 0, { weightDecay: 0 })
  expect(at(at2(twin.params, 0), 0)).toBeCloseTo(0.9, 6)
  expect(at(at2(twin.params, 0), 1)).toBeCloseTo(-1.9, 6)
})
