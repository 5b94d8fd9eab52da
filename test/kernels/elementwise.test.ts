import { expect, test } from 'vitest'
import { createElementwise } from '../../src/kernels/elementwise.ts'
import { combine } from '../reference/elementwise.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

async function run(size: number, alpha = 0.3) {
  const gpu = await testGpu()
  const elementwise = await createElementwise(gpu)
  const random = new Random(size)
  const host = { a: random.normals(size), b: random.normals(size) }
  const a = gpu.upload(host.a, [size], 'a')
  const b = gpu.upload(host.b, [size], 'b')
  const sum = poisoned(gpu, [size], 'sum')
  const scaled = poisoned(gpu, [size], 'scaled')
  const accumulated = gpu.upload(host.b, [size], 'accumulated')
  const added = gpu.upload(host.b, [size], 'added')
  elementwise.add({ a, b, y: sum })
  elementwise.scale({ a, y: scaled, alpha })
  for (let pass = 0; pass < 2; pass++) {
    elementwise.accumulate({ a, y: accumulated })
    elementwise.axpy({ a, y: added, alpha })
  }
  const result = {
    sum: await gpu.readF32(sum),
    scaled: await gpu.readF32(scaled),
    accumulated: await gpu.readF32(accumulated),
    added: await gpu.readF32(added),
  }
  gpu.release(a, b, sum, scaled, accumulated, added)
  return { host, result }
}

test.each([1, 7, 33, 1024, 65 * 577])('%i elements agree with float64, and += accumulates', async (size) => {
  const { host, result } = await run(size)
  expectClose(result.sum, combine(1, host.a, 1, host.b), 'elementwise', 'add')
  expectClose(result.scaled, combine(0.3, host.a, 0, host.b), 'elementwise', 'scale')
  expectClose(result.accumulated, combine(2, host.a, 1, host.b), 'elementwise', 'accumulate')
  expectClose(result.added, combine(0.6, host.a, 1, host.b), 'elementwise', 'axpy')
})

test('repeats bit for bit', async () => {
  expect((await run(333)).result).toEqual((await run(333)).result)
})

test('negative control: a factor off by 1% is seen', async () => {
  const { host, result } = await run(333, 0.303)
  expect(relativeError(result.added, combine(0.6, host.a, 1, host.b))).toBeGreaterThan(TOLERANCES.elementwise)
})

test('nothing is written past the end of a view', async () => {
  const gpu = await testGpu()
  const elementwise = await createElementwise(gpu)
  const a = gpu.upload(new Float32Array(8).fill(1), [8], 'a')
  const y = zeros(gpu, [8], 'y')
  elementwise.accumulate({ a: a.prefix([5]), y: y.prefix([5]) })
  expect([...(await gpu.readF32(y))]).toEqual([1, 1, 1, 1, 1, 0, 0, 0])
  gpu.release(a, y)
})

test('wrong shapes and a tensor added to itself in place are refused', async () => {
  const gpu = await testGpu()
  const elementwise = await createElementwise(gpu)
  const a = zeros(gpu, [4, 8], 'a')
  const b = zeros(gpu, [4, 7], 'b')
  const y = zeros(gpu, [4, 8], 'y')
  expect(() => elementwise.add({ a, b, y })).toThrow('elementwise.add: expected b (4, 8), got (4, 7)')
  expect(() => elementwise.accumulate({ a: y, y })).toThrow('in different buffers')
  gpu.release(a, b, y)
})
