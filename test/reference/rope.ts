import { at } from '../support/numeric.ts'

/**
 * RoPE in float64, rotate-half pairing; see `src/kernels/rope.ts`.
 * x: (rows, heads * headDim), invFreq: (headDim / 2), positions: (rows).
 */
export function ropeForward(
  x: ArrayLike<number>,
  invFreq: ArrayLike<number>,
  positions: ArrayLike<number>,
): Float64Array {
  return turn(x, invFreq, positions, 1)
}

/** Gradient of `ropeForward` for the cotangent `dout`. */
export function ropeBackward(
  dout: ArrayLike<number>,
  invFreq: ArrayLike<number>,
  positions: ArrayLike<number>,
): Float64Array {
  return turn(dout, invFreq, positions, -1)
}

function turn(
  x: ArrayLike<number>,
  invFreq: ArrayLike<number>,
  positions: ArrayLike<number>,
  direction: number,
): Float64Array {
  const half = invFreq.length
  const rows = positions.length
  const heads = x.length / rows / (2 * half)
  const y = new Float64Array(x.length)
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < half; i++) {
        // PyTorch multiplies position and frequency in f32.
        const angle = direction * Math.fround(at(positions, row) * at(invFreq, i))
        const first = (row * heads + head) * 2 * half + i
        const second = first + half
        y[first] = at(x, first) * Math.cos(angle) - at(x, second) * Math.sin(angle)
        y[second] = at(x, second) * Math.cos(angle) + at(x, first) * Math.sin(angle)
      }
    }
  }
  return y
}
