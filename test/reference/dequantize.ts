import { paddedCols, type ScaleFormat, type WeightFormat } from '../../src/kernels/weight.ts'
import { at } from '../support/numeric.ts'
import { halfValue } from './half.ts'

const BITS = { f32: 32, f16: 16, int8: 8, int4: 4 } as const
const GROUP = 32

/** A stored weight as the bytes on the GPU: padded rows of packed numbers, and a quantised one's scales. */
export interface StoredWeight {
  format: WeightFormat
  scaleFormat: ScaleFormat
  shape: readonly [rows: number, cols: number]
  data: ArrayBuffer
  scales: ArrayBuffer
}

/** The numbers (rows, cols) a stored weight stands for, read bit field by bit field. */
export function dequantize({
  format,
  scaleFormat,
  shape: [rows, cols],
  data,
  scales,
}: StoredWeight): Float64Array {
  const words = new Uint32Array(data)
  const bits = BITS[format]
  const perWord = 32 / bits
  const values = new Float64Array(rows * cols)
  for (let i = 0; i < values.length; i++) {
    const stored = Math.floor(i / cols) * paddedCols(format, cols) + (i % cols)
    if (format === 'f32') {
      values[i] = at(new Float32Array(data), stored)
      continue
    }
    const word = at(words, Math.floor(stored / perWord))
    const field = Math.floor(word / 2 ** ((stored % perWord) * bits)) % 2 ** bits
    if (format === 'f16') values[i] = halfValue(field)
    else
      values[i] =
        (field < 2 ** (bits - 1) ? field : field - 2 ** bits) *
        scaleOf(scales, scaleFormat, Math.floor(stored / GROUP))
  }
  return values
}

function scaleOf(scales: ArrayBuffer, format: ScaleFormat, group: number): number {
  if (format === 'f32') return at(new Float32Array(scales), group)
  return halfValue(at(new Uint16Array(scales), group))
}
