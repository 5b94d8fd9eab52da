import { expect, test } from 'vitest'
import { createRope } from '../../src/kernels/rope.ts'
import { defaultInvFreq, ropeTable } from '../../src/kernels/rope-table.ts'
import { ropeBackward, ropeForward } from '../reference/rope.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

const MAX_POSITIONS = 33_000

async function run(rows: number, heads: number, headDim: number, theta = 10_000) {
  const gpu = await testGpu()
  const rope = await createRope(gpu)
  const random = new Random(rows * 1000 + heads)
  const size = rows * heads * headDim
  const host = {
    x: random.normals(size),
    dout: random.normals(size),
    positions: Uint32Array.from({ length: rows }, (_, i) => (i === 0 ? 32_768 : random.below(MAX_POSITIONS))),
    invFreq: defaultInvFreq(headDim, theta),
  }
  const shape = [rows, heads * headDim]
  const x = gpu.upload(host.x, shape, 'x')
  const dout = gpu.upload(host.dout, shape, 'dout')
  const positions = gpu.upload(host.positions, [rows], 'positions')
  const table = gpu.upload(
    ropeTable({ invFreq: host.invFreq }, MAX_POSITIONS),
    [MAX_POSITIONS, headDim],
    'table',
  )
  const y = poisoned(gpu, shape, 'y')
  const dinp = poisoned(gpu, shape, 'dinp')
  rope.forward({ x, table, positions, y })
  rope.backward({ dout, table, positions, dinp })
  const result = { y: await gpu.readF32(y), dinp: await gpu.readF32(dinp) }
  gpu.release(x, dout, positions, table, y, dinp)
  return { host, result }
}

test.each([
  [1, 1, 2],
  [7, 3, 10],
  [33, 9, 64],
  [65, 5, 24],
])('%i rows of %i heads of %i agree with float64 up to position 32768', async (rows, heads, headDim) => {
  const { host, result } = await run(rows, heads, headDim)
  expectClose(result.y, ropeForward(host.x, host.invFreq, host.positions), 'rope', 'y')
  expectClose(result.dinp, ropeBackward(host.dout, host.invFreq, host.positions), 'rope', 'dinp')
})

test('repeats bit for bit', async () => {
  const first = await run(33, 9, 64)
  const second = await run(33, 9, 64)
  expect(second.result).toEqual(first.result)
})

test('negative control: another base of the frequencies is seen', async () => {
  const { host, result } = await run(33, 9, 64, 10_010)
  const expected = ropeForward(host.x, defaultInvFreq(64), host.positions)
  expect(relativeError(result.y, expected)).toBeGreaterThan(TOLERANCES.rope)
})

test('a position past the table gives zeros', async () => {
  const gpu = await testGpu()
  const rope = await createRope(gpu)
  const x = gpu.upload(new Float32Array(16).fill(1), [2, 8], 'x')
  const table = gpu.upload(ropeTable({ invFreq: defaultInvFreq(8) }, 4), [4, 8], 'table')
  const positions = gpu.upload(Uint32Array.of(0, 4), [2], 'positions')
  const y = poisoned(gpu, [2, 8], 'y')
  rope.forward({ x, table, positions, y })
  expect([...(await gpu.readF32(y))]).toEqual([...Array(8).fill(1), ...Array(8).fill(0)])
  gpu.release(x, table, positions, y)
})

test('wrong shapes and element types are refused by name', async () => {
  const gpu = await testGpu()
  const rope = await createRope(gpu)
  const x = zeros(gpu, [4, 100], 'x')
  const table = zeros(gpu, [10, 64], 'table')
  const positions = zeros(gpu, [4], 'positions')
  const y = zeros(gpu, [4, 100], 'y')
  expect(() => rope.forward({ x, table, positions, y })).toThrow('got (4, 100) with headDim 64')
  expect(() => rope.forward({ x: x.prefix([4, 64]), table, positions, y })).toThrow(
    'rope.forward: expected positions of u32, got f32',
  )
  gpu.release(x, table, positions, y)
})
