import { expect, test } from 'vitest'
import { createRows, NO_ROW, sortByDestination } from '../../src/kernels/rows.ts'
import { gather, scatter, scatterAdd, splice } from '../reference/rows.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

/** An index with repeats and rows that are none; its unique form keeps the first of each. */
function indices(random: Random, length: number, rows: number) {
  const index = random.indices(length, rows + 1).map((row) => (row === rows ? NO_ROW : row))
  const unique = index.map((row, i) => (index.indexOf(row) === i ? row : NO_ROW))
  return { index, unique }
}

async function run(rowsIn: number, rowsOut: number, cols: number) {
  const gpu = await testGpu()
  const rows = await createRows(gpu)
  const random = new Random(rowsIn * 1000 + cols)
  const forward = indices(random, rowsOut, rowsIn).index
  const back = indices(random, rowsIn, rowsOut)
  const host = {
    x: random.normals(rowsIn * cols),
    y: random.normals(rowsOut * cols),
    forward,
    unique: back.unique,
    repeated: back.index,
  }
  const { offsets, order } = sortByDestination(back.index, rowsOut)
  const x = gpu.upload(host.x, [rowsIn, cols], 'x')
  const forwardIndex = gpu.upload(forward, [rowsOut], 'index')
  const uniqueIndex = gpu.upload(back.unique, [rowsIn], 'unique')
  const csr = {
    offsets: gpu.upload(offsets, [rowsOut + 1], 'offsets'),
    order: gpu.upload(order, [order.length], 'order'),
  }
  const gathered = poisoned(gpu, [rowsOut, cols], 'gathered')
  const spliced = gpu.upload(host.y, [rowsOut, cols], 'spliced')
  const scattered = gpu.upload(host.y, [rowsOut, cols], 'scattered')
  const added = zeros(gpu, [rowsOut, cols], 'added')
  rows.gather({ x, index: forwardIndex, y: gathered })
  rows.splice({ x, index: forwardIndex, y: spliced })
  rows.scatter({ x, index: uniqueIndex, y: scattered })
  for (let pass = 0; pass < 2; pass++) rows.scatterAdd({ x, ...csr, y: added })
  const result = {
    gathered: await gpu.readF32(gathered),
    spliced: await gpu.readF32(spliced),
    scattered: await gpu.readF32(scattered),
    added: await gpu.readF32(added),
  }
  gpu.release(x, forwardIndex, uniqueIndex, csr.offsets, csr.order, gathered, spliced, scattered, added)
  return { host, result }
}

test.each([
  [1, 1, 1],
  [7, 33, 5],
  [33, 7, 65],
  [65, 130, 576],
])('%i rows to %i rows of %i move exactly, and scatterAdd accumulates', async (rowsIn, rowsOut, cols) => {
  const { host, result } = await run(rowsIn, rowsOut, cols)
  expect(relativeError(result.gathered, gather(host.x, host.forward, cols))).toBe(0)
  expect(relativeError(result.spliced, splice(host.x, host.forward, host.y, cols))).toBe(0)
  expect(relativeError(result.scattered, scatter(host.x, host.unique, host.y, cols))).toBe(0)
  const sum = scatterAdd(host.x, host.repeated, rowsOut, cols)
  expectClose(
    result.added,
    sum.map((v) => 2 * v),
    'reduce',
    'scatterAdd',
  )
})

test('repeats bit for bit', async () => {
  expect((await run(33, 7, 65)).result).toEqual((await run(33, 7, 65)).result)
})

test('negative control: sums of an index without its repeats are seen to differ', async () => {
  const { host, result } = await run(33, 7, 65)
  const sum = scatterAdd(host.x, host.unique, 7, 65)
  expect(
    relativeError(
      result.added,
      sum.map((v) => 2 * v),
    ),
  ).toBeGreaterThan(TOLERANCES.reduce)
})

test('wrong shapes and element types are refused by name', async () => {
  const gpu = await testGpu()
  const rows = await createRows(gpu)
  const x = zeros(gpu, [4, 8], 'x')
  const y = zeros(gpu, [3, 8], 'y')
  const index = gpu.upload(new Uint32Array(4), [4], 'index')
  const floats = zeros(gpu, [3], 'floats')
  expect(() => rows.gather({ x, index, y })).toThrow('rows.gather: expected index (3), got (4)')
  expect(() => rows.gather({ x, index: floats, y })).toThrow('rows.gather: expected index of u32, got f32')
  expect(() => rows.scatterAdd({ x, offsets: index, order: floats, y })).toThrow('expected order of u32')
  gpu.release(x, y, index, floats)
})
