import { describe, expect, test } from 'vitest'
import { createRmsNorm } from '../../src/kernels/rmsnorm.ts'
import { rmsNormBackward, rmsNormForward } from '../reference/rmsnorm.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

/** Large, so that the (1, 1) case does not cancel to nothing but rounding. */
const eps = 0.1

async function run(rows: number, cols: number, subgroups: boolean, perturb = 0) {
  const gpu = await testGpu()
  const rmsnorm = await createRmsNorm(gpu, { subgroups, strips: !subgroups })
  const random = new Random(rows * 1000 + cols)
  const host = {
    x: random.normals(rows * cols, 2),
    weight: random.normals(cols),
    dout: random.normals(rows * cols),
  }
  const perturbed = host.weight.map((w, i) => (i === 0 ? w + perturb : w))
  const x = gpu.upload(host.x, [rows, cols], 'x')
  const weight = gpu.upload(perturbed, [cols], 'weight')
  const dout = gpu.upload(host.dout, [rows, cols], 'dout')
  const y = poisoned(gpu, [rows, cols], 'y')
  const rstd = poisoned(gpu, [rows], 'rstd')
  const dinp = poisoned(gpu, [rows, cols], 'dinp')
  const dweight = zeros(gpu, [cols], 'dweight')
  rmsnorm.forward({ x, weight, y, rstd, eps })
  for (let pass = 0; pass < 2; pass++) {
    rmsnorm.backward({ x, weight, rstd, dout, dinp })
    rmsnorm.backwardWeight({ x, rstd, dout, dweight })
  }
  const result = {
    y: await gpu.readF32(y),
    rstd: await gpu.readF32(rstd),
    dinp: await gpu.readF32(dinp),
    dweight: await gpu.readF32(dweight),
  }
  gpu.release(x, weight, dout, y, rstd, dinp, dweight)
  return { host, result }
}

// Column sums run serially beside subgroups, and in strips without.
describe.each([true, false])('rmsnorm with subgroups: %s', (subgroups) => {
  test.each([
    [1, 1],
    [7, 33],
    [33, 65],
    [65, 576],
  ])('(%i, %i) agrees with float64, and its weight gradient accumulates', async (rows, cols) => {
    const { host, result } = await run(rows, cols, subgroups)
    const forward = rmsNormForward(host.x, host.weight, eps)
    const backward = rmsNormBackward(host.x, host.weight, eps, host.dout)
    expectClose(result.y, forward.y, 'norm', 'y')
    expectClose(result.rstd, forward.rstd, 'norm', 'rstd')
    expectClose(result.dinp, backward.dinp, 'norm', 'dinp')
    expectClose(
      result.dweight,
      backward.dweight.map((g) => 2 * g),
      'norm',
      'dweight',
    )
  })

  test('repeats bit for bit', async () => {
    const first = await run(33, 65, subgroups)
    const second = await run(33, 65, subgroups)
    expect(second.result).toEqual(first.result)
  })
})

test('negative control: one weight changed by 1% is seen', async () => {
  const { host, result } = await run(33, 65, true, 0.01)
  expect(relativeError(result.y, rmsNormForward(host.x, host.weight, eps).y)).toBeGreaterThan(TOLERANCES.norm)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const rmsnorm = await createRmsNorm(gpu)
  const x = zeros(gpu, [4, 576], 'x')
  const weight = zeros(gpu, [512], 'weight')
  const y = zeros(gpu, [4, 576], 'y')
  const rstd = zeros(gpu, [4], 'rstd')
  expect(() => rmsnorm.forward({ x, weight, y, rstd, eps })).toThrow(
    'rmsnorm.forward: expected weight (576), got (512)',
  )
  gpu.release(x, weight, y, rstd)
})
