import { describe, expect, test } from 'vitest'
import { createLayerNorm } from '../../src/kernels/layernorm.ts'
import { layerNormBackward, layerNormForward } from '../reference/layernorm.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

const eps = 1e-5

async function run(rows: number, cols: number, subgroups: boolean, { perturb = 0, offset = 0.5 } = {}) {
  const gpu = await testGpu()
  const layernorm = await createLayerNorm(gpu, { subgroups, strips: !subgroups })
  const random = new Random(rows * 1000 + cols)
  const host = {
    x: random.normals(rows * cols, 2).map((v) => v + offset),
    weight: random.normals(cols),
    bias: random.normals(cols),
    dout: random.normals(rows * cols),
  }
  const perturbed = host.weight.map((w, i) => (i === 0 ? w + perturb : w))
  const x = gpu.upload(host.x, [rows, cols], 'x')
  const weight = gpu.upload(perturbed, [cols], 'weight')
  const bias = gpu.upload(host.bias, [cols], 'bias')
  const dout = gpu.upload(host.dout, [rows, cols], 'dout')
  const y = poisoned(gpu, [rows, cols], 'y')
  const mean = poisoned(gpu, [rows], 'mean')
  const rstd = poisoned(gpu, [rows], 'rstd')
  const dinp = poisoned(gpu, [rows, cols], 'dinp')
  const dweight = zeros(gpu, [cols], 'dweight')
  const dbias = zeros(gpu, [cols], 'dbias')
  layernorm.forward({ x, weight, bias, y, mean, rstd, eps })
  for (let pass = 0; pass < 2; pass++) {
    layernorm.backward({ x, weight, mean, rstd, dout, dinp })
    layernorm.backwardWeight({ x, mean, rstd, dout, dweight, dbias })
  }
  const result = {
    y: await gpu.readF32(y),
    mean: await gpu.readF32(mean),
    rstd: await gpu.readF32(rstd),
    dinp: await gpu.readF32(dinp),
    dweight: await gpu.readF32(dweight),
    dbias: await gpu.readF32(dbias),
  }
  gpu.release(x, weight, bias, dout, y, mean, rstd, dinp, dweight, dbias)
  return { host, result }
}

// Column sums run serially beside subgroups, and in strips without.
describe.each([true, false])('layernorm with subgroups: %s', (subgroups) => {
  test.each([
    [1, 7],
    [7, 33],
    [33, 65],
    [65, 768],
  ])('(%i, %i) agrees with float64, and the parameters accumulate', async (rows, cols) => {
    const { host, result } = await run(rows, cols, subgroups)
    const forward = layerNormForward(host.x, host.weight, host.bias, eps)
    const backward = layerNormBackward(host.x, host.weight, eps, host.dout)
    const twice = (gradient: Float64Array) => gradient.map((g) => 2 * g)
    expectClose(result.y, forward.y, 'norm', 'y')
    expectClose(result.mean, forward.mean, 'norm', 'mean')
    expectClose(result.rstd, forward.rstd, 'norm', 'rstd')
    expectClose(result.dinp, backward.dinp, 'norm', 'dinp')
    expectClose(result.dweight, twice(backward.dweight), 'norm', 'dweight')
    expectClose(result.dbias, twice(backward.dbias), 'norm', 'dbias')
  })

  test('a row far from zero keeps its variance', async () => {
    const { host, result } = await run(5, 576, subgroups, { offset: 1000 })
    const { rstd } = layerNormForward(host.x, host.weight, host.bias, eps)
    expectClose(result.rstd, rstd, 'norm', 'rstd')
  })

  test('repeats bit for bit', async () => {
    const first = await run(33, 65, subgroups)
    const second = await run(33, 65, subgroups)
    expect(second.result).toEqual(first.result)
  })
})

test('a row does not depend on how many are computed beside it', async () => {
  const gpu = await testGpu()
  const layernorm = await createLayerNorm(gpu)
  const [rows, cols] = [37, 64]
  const random = new Random(3)
  const x = gpu.upload(random.normals(rows * cols), [rows, cols], 'x')
  const weight = gpu.upload(random.normals(cols), [cols], 'weight')
  const bias = gpu.upload(random.normals(cols), [cols], 'bias')
  const y = poisoned(gpu, [rows, cols], 'y')
  const mean = poisoned(gpu, [rows], 'mean')
  const rstd = poisoned(gpu, [rows], 'rstd')
  layernorm.forward({ x, weight, bias, y, mean, rstd, eps })
  const together = await gpu.readF32(y)
  for (const row of [0, 5, 36]) {
    const one = { y: poisoned(gpu, [1, cols], 'y'), mean: mean.prefix([1]), rstd: rstd.prefix([1]) }
    layernorm.forward({ x: x.rows(row, 1), weight, bias, ...one, eps })
    expect(await gpu.readF32(one.y)).toEqual(together.slice(row * cols, (row + 1) * cols))
    gpu.release(one.y)
  }
  gpu.release(x, weight, bias, y, mean, rstd)
})

test('negative control: one weight changed by 1% is seen', async () => {
  const { host, result } = await run(33, 65, true, { perturb: 0.01 })
  const { y } = layerNormForward(host.x, host.weight, host.bias, eps)
  expect(relativeError(result.y, y)).toBeGreaterThan(TOLERANCES.norm)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const layernorm = await createLayerNorm(gpu)
  const x = zeros(gpu, [4, 768], 'x')
  const y = zeros(gpu, [4, 768], 'y')
  const weight = zeros(gpu, [768], 'weight')
  const bias = zeros(gpu, [512], 'bias')
  const mean = zeros(gpu, [4], 'mean')
  const rstd = zeros(gpu, [4], 'rstd')
  expect(() => layernorm.forward({ x, weight, bias, y, mean, rstd, eps })).toThrow(
    'layernorm.forward: expected bias (768), got (512)',
  )
  gpu.release(x, y, weight, bias, mean, rstd)
})
