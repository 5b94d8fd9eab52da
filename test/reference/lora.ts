import { philox4x32 } from '../../src/method/random.ts'
import { at } from '../support/numeric.ts'

/** Shapes and settings of one adapted layer; `keep` (T, in) holds what dropout multiplies x with. */
export interface LoraCase {
  rows: number
  inputs: number
  outputs: number
  rank: number
  scaling: number
  keep: ArrayLike<number>
}

/** `scaling * (x * keep) A^T B^T` in float64; x (T, in), a (r, in), b (out, r). */
export function loraForward(
  { rows, inputs, outputs, rank, scaling, keep }: LoraCase,
  x: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { xa: Float64Array; y: Float64Array } {
  const xa = new Float64Array(rows * rank)
  const y = new Float64Array(rows * outputs)
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < rank; j++) {
      for (let c = 0; c < inputs; c++) {
        xa[t * rank + j] =
          at(xa, t * rank + j) + at(x, t * inputs + c) * at(keep, t * inputs + c) * at(a, j * inputs + c)
      }
    }
    for (let o = 0; o < outputs; o++) {
      for (let j = 0; j < rank; j++) {
        y[t * outputs + o] = at(y, t * outputs + o) + scaling * at(xa, t * rank + j) * at(b, o * rank + j)
      }
    }
  }
  return { xa, y }
}

/** Gradients of `loraForward` for the cotangent `dout` (T, out) of y. */
export function loraBackward(
  shape: LoraCase,
  x: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  dout: ArrayLike<number>,
): { dxa: Float64Array; da: Float64Array; db: Float64Array; dx: Float64Array } {
  const { rows, inputs, outputs, rank, scaling, keep } = shape
  const { xa } = loraForward(shape, x, a, b)
  const dxa = new Float64Array(rows * rank)
  const da = new Float64Array(rank * inputs)
  const db = new Float64Array(outputs * rank)
  const dx = new Float64Array(rows * inputs)
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < rank; j++) {
      const tj = t * rank + j
      for (let o = 0; o < outputs; o++) {
        const upstream = scaling * at(dout, t * outputs + o)
        dxa[tj] = at(dxa, tj) + upstream * at(b, o * rank + j)
        db[o * rank + j] = at(db, o * rank + j) + upstream * at(xa, tj)
      }
      for (let c = 0; c < inputs; c++) {
        const tc = t * inputs + c
        da[j * inputs + c] = at(da, j * inputs + c) + at(dxa, tj) * at(x, tc) * at(keep, tc)
        dx[tc] = at(dx, tc) + at(dxa, tj) * at(a, j * inputs + c) * at(keep, tc)
      }
    }
  }
  return { dxa, da, db, dx }
}

/** `weight + scaling * b a` in float64; weight (out, in). */
export function loraMerge(
  { inputs, outputs, rank, scaling }: LoraCase,
  weight: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Float64Array {
  return Float64Array.from({ length: outputs * inputs }, (_, i) => {
    const [o, c] = [Math.floor(i / inputs), i % inputs]
    let sum = 0
    for (let j = 0; j < rank; j++) sum += at(b, o * rank + j) * at(a, j * inputs + c)
    return at(weight, i) + scaling * sum
  })
}

/** What dropout multiplies x (T, in) with, element by element, as shaders/common/lora.wgsl defines it. */
export function loraKeep(
  rows: number,
  cols: number,
  { rate, seed, batch, module }: { rate: number; seed: number; batch: number; module: number },
): Float64Array {
  const dropped = Math.min(65535, Math.round(rate * 65536))
  return Float64Array.from({ length: rows * cols }, (_, i) => {
    const [row, c] = [Math.floor(i / cols), i % cols]
    const words = philox4x32([Math.floor(row / 8), c, batch, module], [seed, 0x6c6f7261])
    const half = (at(words, row % 4) >>> (row % 8 < 4 ? 0 : 16)) & 0xffff
    return half >= dropped ? 65536 / (65536 - dropped) : 0
  })
}
