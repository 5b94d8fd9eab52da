import { expect, test } from 'vitest'
import { createCast } from '../../src/kernels/cast.ts'
import { roundToF16 } from '../reference/cast.ts'
import { halfValue } from '../reference/half.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { Random } from '../support/random.ts'

async function run(values: Float32Array<ArrayBuffer>) {
  const gpu = await testGpu()
  const cast = await createCast(gpu)
  const words = Math.ceil(values.length / 2)
  const x = gpu.upload(values, [values.length], 'x')
  const packed = gpu.upload(new Uint32Array(words).fill(0xffffffff), [words], 'packed')
  const y = poisoned(gpu, [values.length], 'y')
  cast.toF16({ x, packed })
  cast.toF32({ packed, y })
  const result = { packed: await gpu.readU32(packed), y: await gpu.readF32(y) }
  gpu.release(x, packed, y)
  return result
}

test.each([1, 2, 7, 33, 65 * 33])('%i numbers round to the nearest f16 and come back', async (size) => {
  const x = new Random(size).normals(size, 3)
  const { packed, y } = await run(x)
  expect([...y]).toEqual(Array.from(x, roundToF16))
  const half = (i: number) => ((packed[i >> 1] ?? 0) >>> (16 * (i % 2))) & 0xffff
  expect(Array.from(x, (_, i) => halfValue(half(i)))).toEqual([...y])
  if (size % 2 === 1) expect(half(size)).toBe(0)
})

test('ties, subnormals, zeros and numbers out of range', async () => {
  const values: number[] = []
  for (let bits = 0; bits < 0x7bff; bits += 7) {
    const [value, next] = [halfValue(bits), halfValue(bits + 1)]
    const middle = (value + next) / 2
    values.push(
      value,
      -value,
      middle,
      -middle,
      Math.fround(middle * (1 + 2 ** -23)),
      Math.fround(middle * (1 - 2 ** -24)),
    )
  }
  values.push(2 ** -25, 2 ** -26, 2 ** -40, 65504, 65519, 65520, -65536, 1e30)
  const x = Float32Array.from(values)
  const { y } = await run(x)
  // -0 and 0 are one number here.
  expect(Array.from(y, (v) => v + 0)).toEqual(Array.from(x, (v) => roundToF16(v) + 0))
})

test('repeats bit for bit', async () => {
  const x = new Random(3).normals(333)
  expect(await run(x)).toEqual(await run(x))
})

test('negative control: truncation would be seen', async () => {
  const x = Float32Array.of(1 + 0.75 / 1024, -(1 + 0.75 / 1024))
  const { y } = await run(x)
  expect([...y]).not.toEqual([1, -1])
})

test('wrong shapes and element types are refused by name', async () => {
  const gpu = await testGpu()
  const cast = await createCast(gpu)
  const x = zeros(gpu, [3, 3], 'x')
  const packed = gpu.upload(new Uint32Array(4), [4], 'packed')
  expect(() => cast.toF16({ x, packed })).toThrow('cast.toF16: expected packed (5), got (4)')
  expect(() => cast.toF32({ packed: x, y: x })).toThrow('cast.toF32: expected packed (5), got (3, 3)')
  gpu.release(x, packed)
})
