import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ShapeError } from '../../src/gpu/errors.ts'
import { Gpu, type Kernel } from '../../src/gpu/gpu.ts'
import type { Tensor } from '../../src/gpu/tensor.ts'
import { CHEAP, CHURN, SCALE } from '../support/shaders.ts'

let gpu: Gpu
let scale: Kernel

beforeEach(async () => {
  gpu = await Gpu.open()
  scale = await gpu.kernel(SCALE)
})

afterEach(() => {
  vi.restoreAllMocks()
  gpu.close()
})

function tensors(n = 4): { x: Tensor; y: Tensor } {
  return { x: gpu.upload(new Float32Array(n).fill(1), [n], 'x'), y: gpu.tensor([n], 'y') }
}

const params = { n: 4, factor: 2, shift: 0 }

describe('refused before anything is recorded:', () => {
  test.each<[string, (t: { x: Tensor; y: Tensor }) => Record<string, Tensor>, string]>([
    ['a missing buffer', ({ x }) => ({ x }), 'test.scale: expected buffer y, got none'],
    ['an unknown buffer', ({ x, y }) => ({ x, y, z: x }), 'test.scale: expected buffers x, y; got x, y, z'],
    [
      'a buffer written and bound twice',
      ({ x }) => ({ x, y: x }),
      'test.scale: expected y and x in different buffers, got both in x',
    ],
  ])('%s', (_, pick, message) => {
    const t = tensors()
    const before = gpu.stream.counters
    expect(() => scale.dispatch(pick(t), params, [1, 1, 1], CHEAP)).toThrow(ShapeError)
    expect(() => scale.dispatch(pick(t), params, [1, 1, 1], CHEAP)).toThrow(message)
    expect(gpu.stream.counters).toEqual(before)
  })

  test.each<[string, Record<string, number>, string]>([
    ['a missing parameter', { n: 4, factor: 2 }, 'test.scale: expected parameter shift: i32, got undefined'],
    [
      'an unknown parameter',
      { ...params, eps: 1 },
      'test.scale: expected parameters n, factor, shift; got n, factor, shift, eps',
    ],
    [
      'a parameter that is no number',
      { ...params, factor: Number.NaN },
      'expected parameter factor: f32, got NaN',
    ],
    ['a negative u32', { ...params, n: -1 }, 'expected parameter n: u32, got -1'],
    ['a fractional i32', { ...params, shift: 0.5 }, 'expected parameter shift: i32, got 0.5'],
    ['a u32 of 33 bits', { ...params, n: 2 ** 32 }, 'expected parameter n: u32, got 4294967296'],
  ])('%s', (_, wrong, message) => {
    expect(() => scale.dispatch(tensors(), wrong, [1, 1, 1], CHEAP)).toThrow(message)
  })

  test.each([
    [0, 1, 1],
    [1.5, 1, 1],
    [1, Number.NaN, 1],
  ] as const)('a grid of (%f, %f, %f)', (...grid) => {
    expect(() => scale.dispatch(tensors(), params, grid, CHEAP)).toThrow(
      'test.scale: expected a grid of positive whole numbers',
    )
  })

  test('a tensor that was released', () => {
    const { x, y } = tensors()
    gpu.release(x)
    gpu.upload(new Float32Array(4), [4], 'other') // has the buffer now
    const stale = 'expected a tensor in use, got x, which was released'
    expect(() => scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)).toThrow(`test.scale: x: ${stale}`)
    expect(() => gpu.stream.write(x, new Float32Array(4))).toThrow(`write: ${stale}`)
    expect(() => gpu.stream.copy(x, y)).toThrow(`copy: ${stale}`)
    expect(() => gpu.stream.clear(x)).toThrow(`clear: ${stale}`)
  })

  test('a released tensor also where the same kernel took it before', () => {
    const { x, y } = tensors()
    scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
    gpu.release(x)
    expect(() => scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)).toThrow(ShapeError)
  })

  test('a copy between sizes, or within one buffer', () => {
    const { x, y } = tensors(128)
    expect(() => gpu.stream.copy(x, y.prefix([64]))).toThrow(
      'copy: expected y with 128 elements like x, got 64',
    )
    expect(() => gpu.stream.copy(x.reshape([2, 64]).rows(0, 1), x.reshape([2, 64]).rows(1, 1))).toThrow(
      'copy: expected tensors in different buffers, got both in x',
    )
  })
})

test('several tensors are read back by one submit, each as it is', async () => {
  const { x, y } = tensors()
  scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
  const part = gpu.upload(Uint32Array.of(7, 8, 9), [3], 'part')
  const { submits } = gpu.stream.counters
  const [first, second, third] = await gpu.stream.readAll([y, part.prefix([2]), x])
  expect(gpu.stream.counters.submits - submits).toBe(1)
  expect([...new Float32Array(first as ArrayBuffer)]).toEqual([...(await gpu.readF32(y))])
  expect([...new Uint32Array(second as ArrayBuffer)]).toEqual([7, 8])
  expect([...new Float32Array(third as ArrayBuffer)]).toEqual([...(await gpu.readF32(x))])
  gpu.release(part)
})

describe('order', () => {
  test('writes, kernels, copies, clears and reads take effect as called', async () => {
    const { x, y } = tensors()
    const z = gpu.tensor([4], 'z')
    scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
    gpu.stream.copy(y, z)
    const early = gpu.readF32(z)
    gpu.stream.write(x, Float32Array.of(1, 2, 3, 4))
    scale.dispatch({ x, y }, { ...params, shift: -1 }, [1, 1, 1], CHEAP)
    scale.dispatch({ x: y, y: z }, { ...params, factor: 10 }, [1, 1, 1], CHEAP)
    gpu.stream.clear(x)
    scale.dispatch({ x, y }, { ...params, shift: 7 }, [1, 1, 1], CHEAP)
    expect([...(await gpu.readF32(z))]).toEqual([10, 30, 50, 70])
    expect([...(await gpu.readF32(x))]).toEqual([0, 0, 0, 0])
    expect([...(await gpu.readF32(y))]).toEqual([7, 7, 7, 7])
    expect([...(await early)]).toEqual([2, 2, 2, 2])
  })

  test('a chain longer than a slice has slots gives each dispatch its own parameters', async () => {
    let { x, y } = tensors()
    const last = 1200
    for (let i = 1; i <= last; i++) {
      scale.dispatch({ x, y }, { n: 4, factor: 1, shift: i }, [1, 1, 1], CHEAP)
      ;[x, y] = [y, x]
    }
    expect((await gpu.readF32(x))[3]).toBe(1 + (last * (last + 1)) / 2)
    expect(gpu.stream.counters.submits).toBeGreaterThanOrEqual(3)
  })

  test('reads of several tensors may be under way at once', async () => {
    const many = Array.from({ length: 8 }, (_, i) => gpu.upload(Float32Array.of(i), [1], `t${i}`))
    const values = await Promise.all(many.map((t) => gpu.readF32(t)))
    expect(values.map((v) => v[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })
})

describe('slices', () => {
  const n = 7 * 5 * 9 * 8

  async function churn(flops: number): Promise<{ bits: Uint32Array; dispatches: number; submits: number }> {
    const kernel = await gpu.kernel({ ...CHURN, overrides: { STEPS: 50 } })
    const x = gpu.upload(
      Float32Array.from({ length: n }, (_, i) => (i + 0.5) / n),
      [n],
      'x',
    )
    const y = gpu.tensor([n], 'y')
    const before = gpu.stream.counters
    kernel.dispatch({ x, y }, { n, factor: 0, shift: 0 }, [7, 5, 9], { flops, bytes: 0 })
    const after = gpu.stream.counters
    const bits = await gpu.readU32(y)
    gpu.release(x, y)
    return {
      bits,
      dispatches: after.dispatches - before.dispatches,
      submits: after.submits - before.submits,
    }
  }

  test('a dispatch said to be long is split along one or several axes and gives the same bits', async () => {
    const whole = await churn(1)
    expect(whole.dispatches).toBe(1)
    for (const flops of [1e9, 1e10, 1e11]) {
      const split = await churn(flops)
      expect(split.dispatches).toBeGreaterThan(1)
      expect(split.submits).toBeGreaterThan(1)
      expect(split.bits).toEqual(whole.bits)
    }
  })

  test('recording never waits: no promise of the GPU is awaited, and no submit held back', async () => {
    const { x, y } = tensors()
    const submit = vi.spyOn(GPUQueue.prototype, 'submit')
    for (let i = 0; i < 20; i++) scale.dispatch({ x, y }, params, [1, 1, 1], { flops: 1e8, bytes: 0 })
    expect(submit.mock.calls.length).toBeGreaterThanOrEqual(10) // all of it within this one task
    await gpu.stream.idle()
  })
})

test('a step that repeats creates no GPU object but its encoders', async () => {
  const { x, y } = tensors()
  const step = async (): Promise<void> => {
    const z = gpu.tensor([4], 'z')
    gpu.stream.write(x, Float32Array.of(1, 2, 3, 4))
    scale.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
    scale.dispatch({ x: y, y: z }, params, [1, 1, 1], CHEAP)
    await gpu.readF32(z)
    gpu.release(z)
  }
  await step()
  const made = (
    [
      'createBuffer',
      'createBindGroup',
      'createBindGroupLayout',
      'createComputePipelineAsync',
      'createShaderModule',
    ] as const
  ).map((name) => vi.spyOn(GPUDevice.prototype, name))
  for (let i = 0; i < 10; i++) await step()
  for (const spy of made) expect(spy, spy.getMockName()).not.toHaveBeenCalled()
})

test('a large readback is not kept', async () => {
  const large = gpu.tensor([5 * 2 ** 20], 'weights')
  const destroy = vi.spyOn(GPUBuffer.prototype, 'destroy')
  expect((await gpu.readF32(large)).length).toBe(5 * 2 ** 20)
  expect(destroy).toHaveBeenCalledTimes(1)
})
