import { describe, expect, test } from 'vitest'
import { createDequantize } from '../../src/kernels/dequantize.ts'
import { allocateWeight, releaseWeight } from '../../src/kernels/weight.ts'
import { dequantize } from '../reference/dequantize.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { Random } from '../support/random.ts'
import { randomWeight } from '../support/weights.ts'

describe.each([
  ['f32', 'f16'],
  ['f16', 'f16'],
  ['int8', 'f16'],
  ['int8', 'f32'],
  ['int4', 'f16'],
  ['int4', 'f32'],
] as const)('dequantize from %s with scales in %s', (format, scaleFormat) => {
  test.each([
    [1, 1],
    [7, 33],
    [33, 65],
    [5, 576],
  ])('(%i, %i) gives the very numbers the bits stand for', async (rows, cols) => {
    const gpu = await testGpu()
    const kernel = await createDequantize(gpu, { format, scaleFormat })
    const { weight } = randomWeight(gpu, new Random(rows + cols), format, [rows, cols], scaleFormat)
    const values = poisoned(gpu, [rows, cols], 'values')
    kernel.dequantize({ weight, values })
    const result = await gpu.readF32(values)
    const data = await gpu.stream.read(weight.data)
    const scales = weight.scales ? await gpu.stream.read(weight.scales.data) : new ArrayBuffer(0)
    const expected = dequantize({ format, scaleFormat, shape: [rows, cols], data, scales })
    expect(result).toEqual(Float32Array.from(expected))
    gpu.release(values)
    releaseWeight(gpu, weight)
  })
})

test('negative control: one bit of the data, or of a scale, changes the numbers', async () => {
  const gpu = await testGpu()
  const kernel = await createDequantize(gpu, { format: 'int4' })
  const { weight } = randomWeight(gpu, new Random(1), 'int4', [3, 64])
  const values = poisoned(gpu, [3, 64], 'values')
  const read = async (): Promise<Float32Array> => {
    kernel.dequantize({ weight, values })
    return gpu.readF32(values)
  }
  const before = await read()
  expect(await read()).toEqual(before)
  for (const tensor of [weight.data, weight.scales?.data]) {
    if (!tensor) throw new Error('int4 has scales')
    const words = await gpu.readU32(tensor)
    gpu.stream.write(
      tensor,
      words.map((word, i) => (i === 0 ? word ^ 1 : word)),
    )
    expect(await read()).not.toEqual(before)
    gpu.stream.write(tensor, words)
  }
  gpu.release(values)
  releaseWeight(gpu, weight)
})

test('wrong shapes and formats are refused', async () => {
  const gpu = await testGpu()
  const kernel = await createDequantize(gpu, { format: 'int8' })
  const weight = allocateWeight(gpu, 'int8', 4, 32, 'weight')
  const other = allocateWeight(gpu, 'int4', 4, 32, 'weight')
  const values = zeros(gpu, [4, 33], 'values')
  expect(() => kernel.dequantize({ weight, values })).toThrow(
    'dequantize.int8: expected values (4, 32), got (4, 33)',
  )
  expect(() => kernel.dequantize({ weight: other, values })).toThrow('dequantize.int8')
  gpu.release(values)
  releaseWeight(gpu, weight)
  releaseWeight(gpu, other)
})
