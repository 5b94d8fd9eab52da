import { expect, test } from 'vitest'
import { gradientError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'
import { swigluBackward, swigluForward } from './swiglu.ts'

const random = new Random(4)
const gate = random.normals(21, 3)
const up = random.normals(21)
const dout = random.normals(21)

test('the reference gradients of SwiGLU agree with central differences', () => {
  const { dgate, dup } = swigluBackward(gate, up, dout)
  expect(gradientError((p) => swigluForward(p, up), gate, dout, dgate)).toBeLessThan(TOLERANCES.gradient)
  expect(gradientError((p) => swigluForward(gate, p), up, dout, dup)).toBeLessThan(TOLERANCES.gradient)
})

test('a gradient that swaps gate and up is caught', () => {
  const { dgate, dup } = swigluBackward(gate, up, dout)
  expect(gradientError((p) => swigluForward(p, up), gate, dout, dup)).toBeGreaterThan(0.01)
  expect(gradientError((p) => swigluForward(gate, p), up, dout, dgate)).toBeGreaterThan(0.01)
})
