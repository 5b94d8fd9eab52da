import type { GeluForm } from '../../src/kernels/gelu.ts'
import { at } from '../support/numeric.ts'

/** erf to float64's precision, by its Maclaurin series; erfc is below 1e-15 past 6. */
export function erf(v: number): number {
  if (Math.abs(v) > 6) return Math.sign(v)
  let term = v
  let sum = v
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 400; n++) {
    term *= (2 * v * v) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v) * sum
}

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v))

/** GELU in float64 as each form is published: `tanh` with tanh itself. */
export function geluForward(x: ArrayLike<number>, form: GeluForm): Float64Array {
  return Float64Array.from(x, (v) => {
    if (form === 'erf') return 0.5 * v * (1 + erf(v / Math.SQRT2))
    if (form === 'quick') return v * sigmoid(1.702 * v)
    return 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))
  })
}

/** Gradient of `geluForward` for the cotangent `dout`. */
export function geluBackward(x: ArrayLike<number>, form: GeluForm, dout: ArrayLike<number>): Float64Array {
  return Float64Array.from(x, (v, i) => at(dout, i) * derivative(v, form))
}

function derivative(v: number, form: GeluForm): number {
  if (form === 'erf') {
    return 0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp(-0.5 * v * v)) / Math.sqrt(2 * Math.PI)
  }
  if (form === 'quick') {
    const s = sigmoid(1.702 * v)
    return s + 1.702 * v * s * (1 - s)
  }
  const scale = Math.sqrt(2 / Math.PI)
  const t = Math.tanh(scale * (v + 0.044715 * v ** 3))
  return 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * scale * (1 + 3 * 0.044715 * v * v)
}
