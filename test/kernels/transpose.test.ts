import { expect, test } from 'vitest'
import { createTranspose } from '../../src/kernels/transpose.ts'
import { transpose } from '../reference/transpose.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'

async function run(rows: number, cols: number) {
  const gpu = await testGpu()
  const kernel = await createTranspose(gpu)
  const host = new Random(rows * 1000 + cols).normals(rows * cols)
  const x = gpu.upload(host, [rows, cols], 'x')
  const y = poisoned(gpu, [cols, rows], 'y')
  const back = poisoned(gpu, [rows, cols], 'back')
  kernel.forward({ x, y })
  kernel.forward({ x: y, y: back })
  const result = { y: await gpu.readF32(y), back: await gpu.readF32(back) }
  gpu.release(x, y, back)
  return { host, result }
}

test.each([
  [1, 1],
  [7, 33],
  [36, 65],
  [65, 36],
  [36, 68],
  [576, 132],
])('(%i, %i) is exact, and twice is itself', async (rows, cols) => {
  const { host, result } = await run(rows, cols)
  expect(relativeError(result.y, transpose(host, cols))).toBe(0)
  expect(relativeError(result.back, host)).toBe(0)
})

test('repeats bit for bit', async () => {
  expect((await run(33, 65)).result).toEqual((await run(33, 65)).result)
})

test('negative control: two numbers exchanged are seen', async () => {
  const { host, result } = await run(36, 68)
  const swapped = host.map((v, i) => (i < 2 ? (host[1 - i] ?? v) : v))
  expect(relativeError(result.y, transpose(swapped, 68))).toBeGreaterThan(0.1)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const kernel = await createTranspose(gpu)
  const x = zeros(gpu, [4, 8], 'x')
  const y = zeros(gpu, [4, 8], 'y')
  expect(() => kernel.forward({ x, y })).toThrow('transpose.forward: expected y (8, 4), got (4, 8)')
  gpu.release(x, y)
})
