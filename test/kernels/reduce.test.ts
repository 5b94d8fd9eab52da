import { describe, expect, test } from 'vitest'
import { createReduce } from '../../src/kernels/reduce.ts'
import { reduce } from '../reference/reduce.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

async function run(rows: number, cols: number, subgroups: boolean, perturb = 0) {
  const gpu = await testGpu()
  const kernels = await createReduce(gpu, { subgroups, strips: !subgroups })
  // Shifted below zero, so that a maximum that starts from 0 is wrong.
  const host = new Random(rows * 1000 + cols).normals(rows * cols).map((v) => v - 3)
  const x = gpu.upload(
    host.map((v, i) => (i === 0 ? v + perturb : v)),
    [rows, cols],
    'x',
  )
  const sum = poisoned(gpu, [rows], 'sum')
  const mean = poisoned(gpu, [rows], 'mean')
  const max = poisoned(gpu, [rows], 'max')
  const columns = zeros(gpu, [cols], 'columns')
  kernels.rowSum({ x, y: sum })
  kernels.rowMean({ x, y: mean })
  kernels.rowMax({ x, y: max })
  for (let pass = 0; pass < 2; pass++) kernels.columnSum({ x, y: columns })
  const result = {
    sum: await gpu.readF32(sum),
    mean: await gpu.readF32(mean),
    max: await gpu.readF32(max),
    columns: await gpu.readF32(columns),
  }
  gpu.release(x, sum, mean, max, columns)
  return { host, result }
}

// Column sums run serially beside subgroups, and in strips without.
describe.each([true, false])('reduce with subgroups: %s', (subgroups) => {
  test.each([
    [1, 1],
    [7, 33],
    [33, 65],
    [65, 576],
    [300, 4],
  ])('(%i, %i) agrees with float64, and the column sum accumulates', async (rows, cols) => {
    const { host, result } = await run(rows, cols, subgroups)
    const expected = reduce(host, cols)
    const twice = expected.columnSum.map((v) => 2 * v)
    expectClose(result.sum, expected.rowSum, 'reduce', 'sum')
    expectClose(result.mean, expected.rowMean, 'reduce', 'mean')
    expect([...result.max]).toEqual([...expected.rowMax])
    expectClose(result.columns, twice, 'reduce', 'columns')
  })

  test('repeats bit for bit', async () => {
    expect((await run(33, 65, subgroups)).result).toEqual((await run(33, 65, subgroups)).result)
  })
})

test('negative control: one number changed by 0.1 is seen', async () => {
  const { host, result } = await run(33, 65, true, 0.1)
  const expected = reduce(host, 65)
  expect(relativeError(result.sum, expected.rowSum)).toBeGreaterThan(TOLERANCES.reduce)
  expect(
    relativeError(
      result.columns,
      expected.columnSum.map((v) => 2 * v),
    ),
  ).toBeGreaterThan(TOLERANCES.reduce)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const kernels = await createReduce(gpu)
  const x = zeros(gpu, [4, 8], 'x')
  const y = zeros(gpu, [8], 'y')
  expect(() => kernels.rowSum({ x, y })).toThrow('reduce.rowSum: expected y (4), got (8)')
  expect(() => kernels.columnSum({ x, y: x })).toThrow('reduce.columnSum: expected y (8), got (4, 8)')
  gpu.release(x, y)
})
