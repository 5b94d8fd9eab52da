import { at } from '../support/numeric.ts'

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v))

/** SwiGLU in float64, elementwise; see `src/kernels/swiglu.ts`. */
export function swigluForward(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  return Float64Array.from(gate, (g, i) => g * sigmoid(g) * at(up, i))
}

/** Gradients of `swigluForward` for the cotangent `dout`. */
export function swigluBackward(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  dout: ArrayLike<number>,
): { dgate: Float64Array; dup: Float64Array } {
  return {
    dgate: Float64Array.from(gate, (g, i) => {
      const s = sigmoid(g)
      return at(dout, i) * at(up, i) * s * (1 + g * (1 - s))
    }),
    dup: Float64Array.from(gate, (g, i) => at(dout, i) * g * sigmoid(g)),
  }
}
