import { describe, expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { erf, geluBackward, geluForward } from './gelu.ts'

const random = new Random(5)
const x = random.normals(40, 2)
const dout = random.normals(40)

describe.each(['erf', 'tanh', 'quick'] as const)('gelu, %s', (form) => {
  test('the reference gradient agrees with central differences', () => {
    const dinp = geluBackward(x, form, dout)
    expect(gradientError((p) => geluForward(p, form), x, dout, dinp)).toBeLessThan(TOLERANCES.gradient)
  })
})

test('the gradient of another form is caught', () => {
  const wrong = geluBackward(x, 'quick', dout)
  expect(gradientError((p) => geluForward(p, 'erf'), x, dout, wrong)).toBeGreaterThan(0.001)
})

test('erf has its tabulated values', () => {
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 14)
  expect(erf(-1)).toBeCloseTo(-0.8427007929497149, 14)
  expect(erf(3)).toBeCloseTo(0.9999779095030014, 14)
})
