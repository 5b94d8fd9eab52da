import { beforeAll, describe, expect, test } from 'vitest'
import { createDequantize, type Dequantize } from '../../src/kernels/dequantize.ts'
import { createMatmul, type Matmul } from '../../src/kernels/matmul.ts'
import { createQuantize, type Quantize, type SourceFormat } from '../../src/kernels/quantize.ts'
import {
  allocateWeight,
  releaseWeight,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
} from '../../src/kernels/weight.ts'
import { bfloatBits, bfloatValue, halfBits, halfValue, packHalves } from '../reference/half.ts'
import { matmulBackward, matmulForward } from '../reference/matmul.ts'
import { quantized } from '../reference/quantize.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { at, relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

/** Values of very different sizes in one matrix, a group of zeros, and a group too small for an f16 scale. */
function awkwardValues(rows: number, cols: number): Float32Array<ArrayBuffer> {
  const random = new Random(rows * 1000 + cols)
  const values = random.normals(rows * cols, 0.05)
  for (let c = 0; c < cols; c++) {
    if (rows > 1) values[cols + c] = at(values, cols + c) * 1e3
    if (rows > 2 && c < 32) values[2 * cols + c] = 0
    if (rows > 3 && c < 32) values[3 * cols + c] = at(values, 3 * cols + c) * 1e-8
  }
  return values
}

/** Reads a weight back. */
async function read(dequantize: Dequantize, weight: Weight): Promise<Float32Array> {
  const gpu = await testGpu()
  const values = poisoned(gpu, weight.shape, 'values')
  dequantize.dequantize({ weight, values })
  const result = await gpu.readF32(values)
  gpu.release(values)
  return result
}

/** A weight whose buffers hold ones in every bit, so that what quantise leaves out shows up. */
async function dirtyWeight(
  format: WeightFormat,
  rows: number,
  cols: number,
  scaleFormat: ScaleFormat,
): Promise<Weight> {
  const gpu = await testGpu()
  const weight = allocateWeight(gpu, format, rows, cols, 'weight', scaleFormat)
  for (const tensor of [weight.data, ...(weight.scales ? [weight.scales.data] : [])]) {
    const { dtype, size } = tensor
    gpu.stream.write(
      tensor,
      dtype === 'f32' ? new Float32Array(size).fill(Number.NaN) : new Uint32Array(size).fill(0xffffffff),
    )
  }
  return weight
}

describe.each([
  ['f32', 'f16'],
  ['f16', 'f16'],
  ['int8', 'f16'],
  ['int8', 'f32'],
  ['int4', 'f16'],
  ['int4', 'f32'],
] as const)('%s weights with scales in %s', (format, scaleFormat) => {
  let quantize: Quantize
  let dequantize: Dequantize
  let matmul: Matmul
  beforeAll(async () => {
    const gpu = await testGpu()
    const options = { format, scaleFormat }
    quantize = await createQuantize(gpu, options)
    dequantize = await createDequantize(gpu, options)
    matmul = await createMatmul(gpu, { ...options, design: 'narrow4' })
  })

  test.each([
    [1, 1],
    [7, 33],
    [33, 65],
    [5, 96],
  ])('(%i, %i) is kept within the bounds of the format', async (rows, cols) => {
    const gpu = await testGpu()
    const values = awkwardValues(rows, cols)
    const source = gpu.upload(values, [rows, cols], 'source')
    const weight = await dirtyWeight(format, rows, cols, scaleFormat)
    quantize.quantize({ source, weight })
    const kept = await read(dequantize, weight)
    const { values: expected, bounds } = quantized(values, cols, format, scaleFormat)
    const outside = kept.filter((v, i) => !(Math.abs(v - at(values, i)) <= at(bounds, i)))
    expect(outside).toHaveLength(0)
    expectClose(kept, expected, 'quantize', `${rows}x${cols}`)
    gpu.release(source)
    releaseWeight(gpu, weight)
  })

  test('row by row gives the same words as at once, and so does a repeat', async () => {
    const gpu = await testGpu()
    const [rows, cols] = [5, 65] // three groups a row: every other row starts in the middle of a word of f16 scales
    const values = awkwardValues(rows, cols)
    const source = gpu.upload(values, [rows, cols], 'source')
    const whole = await dirtyWeight(format, rows, cols, scaleFormat)
    const pieces = await dirtyWeight(format, rows, cols, scaleFormat)
    quantize.quantize({ source, weight: whole })
    for (let row = 0; row < rows; row++) {
      const part = gpu.upload(values.slice(row * cols, (row + 1) * cols), [1, cols], 'row')
      quantize.quantize({ source: part, weight: pieces, firstRow: row, rows: 1 })
      gpu.release(part)
    }
    expect(await gpu.readU32(pieces.data)).toEqual(await gpu.readU32(whole.data))
    if (whole.scales && pieces.scales) {
      const groups = rows * Math.ceil(cols / 32)
      const used = (words: Uint32Array) =>
        scaleFormat === 'f32'
          ? words
          : Array.from({ length: groups }, (_, g) => (at(words, g >> 1) >> (16 * (g & 1))) & 0xffff)
      expect(used(await gpu.readU32(pieces.scales.data))).toEqual(used(await gpu.readU32(whole.scales.data)))
    }
    gpu.release(source)
    releaseWeight(gpu, whole)
    releaseWeight(gpu, pieces)
  })

  test.each([
    [1, 65, 36],
    [3, 96, 33],
    [33, 68, 36],
  ])('products of (%i, %i) with (%i) use the stored numbers', async (rows, inner, outer) => {
    const gpu = await testGpu()
    const random = new Random(rows)
    const values = random.normals(outer * inner)
    const source = gpu.upload(values, [outer, inner], 'source')
    const weight = await dirtyWeight(format, outer, inner, scaleFormat)
    quantize.quantize({ source, weight })
    const kept = await read(dequantize, weight)
    const hostX = random.normals(rows * inner)
    const hostDout = random.normals(rows * outer)
    const x = gpu.upload(hostX, [rows, inner], 'x')
    const dout = gpu.upload(hostDout, [rows, outer], 'dout')
    const y = poisoned(gpu, [rows, outer], 'y')
    const dinp = poisoned(gpu, [rows, inner], 'dinp')
    matmul.forward({ x, weight, y })
    matmul.backwardInput({ dout, weight, dinp })
    const expected = matmulForward(hostX, kept, inner)
    const result = await gpu.readF32(y)
    expectClose(result, expected, 'matmul', 'y')
    expectClose(await gpu.readF32(dinp), matmulBackward(hostX, kept, inner, hostDout).dinp, 'matmul', 'dinp')
    // Negative control: the numbers before quantisation are other numbers.
    if (format !== 'f32') {
      expect(relativeError(result, matmulForward(hostX, values, inner))).toBeGreaterThan(TOLERANCES.matmul)
    }
    gpu.release(source, x, dout, y, dinp)
    releaseWeight(gpu, weight)
  })
})

test.each(['quads16', 'shared64'] as const)(
  'int4 weights in design %s give the bits of any other',
  async (design) => {
    const gpu = await testGpu()
    const [rows, inner, outer] = [17, 68, 36]
    const random = new Random(3)
    const source = gpu.upload(random.normals(outer * inner), [outer, inner], 'source')
    const x = gpu.upload(random.normals(rows * inner), [rows, inner], 'x')
    const weight = await dirtyWeight('int4', outer, inner, 'f16')
    const quantize = await createQuantize(gpu, { format: 'int4' })
    quantize.quantize({ source, weight })
    const results: Float32Array[] = []
    for (const used of ['narrow4', design] as const) {
      const matmul = await createMatmul(gpu, { format: 'int4', design: used })
      const y = poisoned(gpu, [rows, outer], 'y')
      matmul.forward({ x, weight, y })
      results.push(await gpu.readF32(y))
      gpu.release(y)
    }
    expect(results[1]).toEqual(results[0])
    gpu.release(source, x)
    releaseWeight(gpu, weight)
  },
)

test.each([
  ['f16', halfBits, halfValue],
  ['bf16', bfloatBits, bfloatValue],
] as const)('numbers that come as packed %s are read exactly', async (source: SourceFormat, bits, value) => {
  const gpu = await testGpu()
  const [rows, cols] = [3, 35]
  // Small ones too: below 2^-14 f16 is subnormal, and decoders may flush.
  const numbers = awkwardValues(2, rows * cols).subarray(0, rows * cols)
  const packed = Array.from(numbers, (v, i) => bits(i % 3 === 0 ? v * 1e-4 : v))
  const words = packHalves(packed)
  const weight = allocateWeight(gpu, 'f32', rows, cols, 'weight')
  const tensor = gpu.upload(words, [words.length], 'source')
  const quantize = await createQuantize(gpu, { format: 'f32', source })
  quantize.quantize({ source: tensor, weight })
  const dequantize = await createDequantize(gpu, { format: 'f32' })
  expect(await read(dequantize, weight)).toEqual(Float32Array.from(packed, value))
  gpu.release(tensor)
  releaseWeight(gpu, weight)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const quantize = await createQuantize(gpu, { format: 'int8' })
  const weight = allocateWeight(gpu, 'int8', 4, 64, 'weight')
  const source = zeros(gpu, [4, 60], 'source')
  expect(() => quantize.quantize({ source, weight })).toThrow(
    'quantize.int8: expected source (4, 64), got (4, 60)',
  )
  expect(() => quantize.quantize({ source, weight, firstRow: 3, rows: 2 })).toThrow(
    'quantize.int8: expected rows within 0..4, got 3..5',
  )
  gpu.release(source)
  releaseWeight(gpu, weight)
})
