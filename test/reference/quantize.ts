import { at } from '../support/numeric.ts'
import { halfBits, halfValue, roundTiesToEven } from './half.ts'

const GROUP = 32

/** What a weight of a format holds of these values, and by how much each may differ from its value. */
export function quantized(
  values: ArrayLike<number>,
  cols: number,
  format: 'f32' | 'f16' | 'int8' | 'int4',
  scaleFormat: 'f32' | 'f16' = 'f16',
): { values: Float64Array; bounds: Float64Array } {
  const result = Float64Array.from(values)
  const bounds = new Float64Array(values.length)
  if (format === 'f32') return { values: result, bounds }
  if (format === 'f16') {
    result.forEach((v, i) => {
      result[i] = halfValue(halfBits(v))
      bounds[i] = Math.max(Math.abs(v) * 2 ** -11, 2 ** -25)
    })
    return { values: result, bounds }
  }
  const limit = format === 'int8' ? 127 : 7
  for (let start = 0; start < values.length; start += cols) {
    for (let first = 0; first < cols; first += GROUP) {
      const end = Math.min(first + GROUP, cols)
      let largest = 0
      for (let c = first; c < end; c++) largest = Math.max(largest, Math.abs(at(values, start + c)))
      const exact = Math.fround(largest / limit)
      const scale = scaleFormat === 'f16' ? halfValue(halfBits(exact)) : exact
      for (let c = first; c < end; c++) {
        const i = start + c
        const q = scale === 0 ? 0 : roundTiesToEven(Math.fround(at(values, i) / scale))
        result[i] = Math.max(-limit, Math.min(limit, q)) * scale
        // Half a step, what cutting off at the limit adds, and f32's rounding of the quotient.
        bounds[i] = scale / 2 + Math.max(0, largest - limit * scale) + largest * 1e-6
      }
    }
  }
  return { values: result, bounds }
}
