import { describe, expect, test } from 'vitest'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { createSwiGlu } from '../../src/kernels/swiglu.ts'
import { swigluBackward, swigluForward } from '../reference/swiglu.ts'
import { expectClose } from '../support/close.ts'
import { poisoned, testGpu, zeros } from '../support/gpu.ts'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'
import { TOLERANCES } from '../tolerances.ts'

interface Host {
  gate: Float32Array<ArrayBuffer>
  up: Float32Array<ArrayBuffer>
  dout: Float32Array<ArrayBuffer>
}

function inputs(rows: number, inner: number): Host {
  const random = new Random(rows * 1000 + inner)
  const [gate, up, dout] = [3, 1, 1].map((scale) => random.normals(rows * inner, scale))
  return { gate, up, dout } as Host
}

async function separate(gpu: Gpu, host: Host, rows: number, inner: number) {
  const swiglu = await createSwiGlu(gpu)
  const gate = gpu.upload(host.gate, [rows, inner], 'gate')
  const up = gpu.upload(host.up, [rows, inner], 'up')
  const dout = gpu.upload(host.dout, [rows, inner], 'dout')
  const y = poisoned(gpu, [rows, inner], 'y')
  const dgate = poisoned(gpu, [rows, inner], 'dgate')
  const dup = poisoned(gpu, [rows, inner], 'dup')
  swiglu.forward({ gate, up, y })
  for (let pass = 0; pass < 2; pass++) swiglu.backward({ gate, up, dout, dgate, dup })
  const result = {
    y: await gpu.readF32(y),
    dgate: await gpu.readF32(dgate),
    dup: await gpu.readF32(dup),
  }
  gpu.release(gate, up, dout, y, dgate, dup)
  return result
}

async function fused(gpu: Gpu, host: Host, rows: number, inner: number) {
  const swiglu = await createSwiGlu(gpu)
  const both = new Float32Array(rows * 2 * inner)
  for (let r = 0; r < rows; r++) {
    both.set(host.gate.subarray(r * inner, (r + 1) * inner), 2 * r * inner)
    both.set(host.up.subarray(r * inner, (r + 1) * inner), (2 * r + 1) * inner)
  }
  const gateUp = gpu.upload(both, [rows, 2 * inner], 'gateUp')
  const dout = gpu.upload(host.dout, [rows, inner], 'dout')
  const y = poisoned(gpu, [rows, inner], 'y')
  const dgateUp = poisoned(gpu, [rows, 2 * inner], 'dgateUp')
  swiglu.forwardFused({ gateUp, y })
  for (let pass = 0; pass < 2; pass++) swiglu.backwardFused({ gateUp, dout, dgateUp })
  const gradients = await gpu.readF32(dgateUp)
  const half = (side: number) =>
    Float32Array.from(
      host.gate,
      (_, i) => gradients[(2 * Math.floor(i / inner) + side) * inner + (i % inner)] ?? Number.NaN,
    )
  const result = { y: await gpu.readF32(y), dgate: half(0), dup: half(1) }
  gpu.release(gateUp, dout, y, dgateUp)
  return result
}

describe.each([
  ['separate', separate],
  ['fused', fused],
] as const)('swiglu, %s', (_name, run) => {
  test.each([
    [1, 1],
    [7, 33],
    [33, 65],
    [65, 1536],
  ])('(%i, %i) agrees with float64', async (rows, inner) => {
    const host = inputs(rows, inner)
    const result = await run(await testGpu(), host, rows, inner)
    const { dgate, dup } = swigluBackward(host.gate, host.up, host.dout)
    expectClose(result.y, swigluForward(host.gate, host.up), 'activation', 'y')
    expectClose(result.dgate, dgate, 'activation', 'dgate')
    expectClose(result.dup, dup, 'activation', 'dup')
  })

  test('repeats bit for bit', async () => {
    const host = inputs(33, 65)
    const gpu = await testGpu()
    expect(await run(gpu, host, 33, 65)).toEqual(await run(gpu, host, 33, 65))
  })
})

test('gates far from zero stay finite', async () => {
  const host: Host = {
    gate: Float32Array.of(-1000, -90, 90, 1000),
    up: Float32Array.of(1, 1, 1, 1),
    dout: Float32Array.of(1, 1, 1, 1),
  }
  const { y, dgate, dup } = await separate(await testGpu(), host, 1, 4)
  expectClose(y, [0, 0, 90, 1000], 'activation', 'y')
  expectClose(dgate, [0, 0, 1, 1], 'activation', 'dgate')
  expectClose(dup, [0, 0, 90, 1000], 'activation', 'dup')
})

test('negative control: one gate changed by 1% is seen', async () => {
  const host = inputs(7, 33)
  const expected = swigluForward(host.gate, host.up)
  host.gate[40] = 1.01 * (host.gate[40] ?? 0)
  const { y } = await separate(await testGpu(), host, 7, 33)
  expect(relativeError(y, expected)).toBeGreaterThan(TOLERANCES.activation)
})

test('wrong shapes are refused by name', async () => {
  const gpu = await testGpu()
  const swiglu = await createSwiGlu(gpu)
  const gateUp = zeros(gpu, [4, 1000], 'gateUp')
  const y = zeros(gpu, [4, 512], 'y')
  expect(() => swiglu.forwardFused({ gateUp, y })).toThrow(
    'swiglu.forwardFused: expected gateUp (4, 1024), got (4, 1000)',
  )
  gpu.release(gateUp, y)
})
