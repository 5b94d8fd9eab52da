import type { Gpu } from '../../src/gpu/gpu.ts'
import {
  allocateWeight,
  GROUP_SIZE,
  paddedCols,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
} from '../../src/kernels/weight.ts'
import { halfValue } from '../reference/half.ts'
import { at } from './numeric.ts'
import type { Random } from './random.ts'

/** Bits of a random positive f16 between 2^-7 and 2. */
const f16Bits = (random: Random): number => ((8 + random.below(8)) << 10) | random.below(1024)

/** A weight of random bits in some format, and the numbers (rows, cols) those bits stand for. */
export function randomWeight(
  gpu: Gpu,
  random: Random,
  format: WeightFormat,
  [rows, cols]: readonly [number, number],
  scaleFormat: ScaleFormat = 'f16',
): { weight: Weight; values: Float64Array } {
  const weight = allocateWeight(gpu, format, rows, cols, `weight.${format}`, scaleFormat)
  const stride = paddedCols(format, cols)
  const decoded = new Float64Array(rows * stride)
  const unpadded = (): Float64Array =>
    Float64Array.from({ length: rows * cols }, (_, i) =>
      at(decoded, Math.floor(i / cols) * stride + (i % cols)),
    )
  if (format === 'f32') {
    const numbers = random.normals(rows * stride).map((v, i) => (i % stride < cols ? v : 0))
    gpu.stream.write(weight.data, numbers)
    decoded.set(numbers)
    return { weight, values: unpadded() }
  }
  const bits = { f16: 16, int8: 8, int4: 4 }[format]
  const perWord = 32 / bits
  const words = new Uint32Array((rows * stride) / perWord)
  for (let i = 0; i < rows * stride; i++) {
    if (i % stride >= cols) continue // padding holds zeros
    const field = format === 'f16' ? (random.below(2) << 15) | f16Bits(random) : random.below(2 ** bits)
    const word = Math.floor(i / perWord)
    words[word] = (at(words, word) | (field << ((i % perWord) * bits))) >>> 0
    decoded[i] = format === 'f16' ? halfValue(field) : field - (field >= 2 ** (bits - 1) ? 2 ** bits : 0)
  }
  gpu.stream.write(weight.data, words)
  if (weight.scales) {
    const groups = (rows * stride) / GROUP_SIZE
    const scales = new Float64Array(groups)
    const scaleWords = new Uint32Array(Math.ceil(groups / 2))
    for (let g = 0; g < groups; g++) {
      const field = f16Bits(random)
      scales[g] = scaleFormat === 'f32' ? Math.fround(random.uniform()) : halfValue(field)
      scaleWords[g >> 1] = (at(scaleWords, g >> 1) | (field << (16 * (g % 2)))) >>> 0
    }
    gpu.stream.write(weight.scales.data, scaleFormat === 'f32' ? Float32Array.from(scales) : scaleWords)
    for (let i = 0; i < decoded.length; i++)
      decoded[i] = at(decoded, i) * at(scales, Math.floor(i / GROUP_SIZE))
  }
  return { weight, values: unpadded() }
}
