import { afterEach, describe, expect, test, vi } from 'vitest'
import { isSoftwareAdapter, type OptionalFeature } from '../../src/gpu/device.ts'
import { DeviceLostError, GpuUnavailableError, KernelError } from '../../src/gpu/errors.ts'
import { DeviceLostEvent, Gpu } from '../../src/gpu/gpu.ts'
import { CHEAP, SCALE } from '../support/shaders.ts'

const opened: Gpu[] = []
async function open(...without: OptionalFeature[]): Promise<Gpu> {
  const gpu = await Gpu.open({ without })
  opened.push(gpu)
  return gpu
}

afterEach(() => {
  vi.restoreAllMocks()
  for (const gpu of opened.splice(0)) gpu.close()
})

const params = { n: 4, factor: 2, shift: 0 }

async function recordScale(gpu: Gpu, times = 1) {
  const kernel = await gpu.kernel(SCALE)
  const x = gpu.upload(Float32Array.of(1, 2, 3, 4), [4], 'x')
  const y = gpu.tensor([4], 'y')
  for (let i = 0; i < times; i++) kernel.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
  return { kernel, x, y }
}

describe('the adapter', () => {
  test('has the limits raised that kernels need, and says what it is', async () => {
    const gpu = await open()
    const adapter = await navigator.gpu.requestAdapter()
    expect(gpu.limits.maxStorageBufferBindingSize).toBe(adapter?.limits.maxStorageBufferBindingSize)
    expect(gpu.limits.maxBufferSize).toBe(adapter?.limits.maxBufferSize)
    expect(gpu.profile.vendor + gpu.profile.architecture).not.toBe('')
    expect(gpu.profile.fingerprint).toContain(gpu.profile.architecture)
  })

  test.each<[Partial<GPUAdapterInfo>, boolean]>([
    [{ vendor: 'google', architecture: 'swiftshader' }, true],
    [{ vendor: 'mesa', description: 'llvmpipe (LLVM 17.0.6, 256 bits)' }, true],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
    [{ vendor: 'intel', isFallbackAdapter: true }, true],
    [{ vendor: 'nvidia', architecture: 'ampere' }, false],
    [{ vendor: 'apple', architecture: 'metal-3' }, false],
  ])('%o is software: %s', (info, expected) => {
    const blank = { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false }
    expect(isSoftwareAdapter({ ...blank, ...info } as GPUAdapterInfo)).toBe(expected)
  })

  test('no adapter, no WebGPU and a refused device are told apart', async () => {
    vi.spyOn(GPU.prototype, 'requestAdapter').mockResolvedValue(null)
    await expect(Gpu.open()).rejects.toThrow('WebGPU found no adapter')
    vi.restoreAllMocks()
    vi.spyOn(Navigator.prototype, 'gpu', 'get').mockReturnValue(undefined as unknown as GPU)
    await expect(Gpu.open()).rejects.toThrow('WebGPU is missing')
    vi.restoreAllMocks()
    vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockRejectedValue(new TypeError('too much'))
    await expect(Gpu.open()).rejects.toThrow('the adapter refused a device: TypeError: too much')
    await expect(Gpu.open()).rejects.toBeInstanceOf(GpuUnavailableError)
  })

  test.each<OptionalFeature>(['subgroups', 'timestamp-query'])('works without %s', async (feature) => {
    const gpu = await open(feature)
    expect(gpu.profile.features[feature]).toBe(false)
    if (feature === 'subgroups') expect(gpu.profile.subgroupSize).toEqual({ min: 0, max: 0 })
    const { y } = await recordScale(gpu)
    expect([...(await gpu.readF32(y))]).toEqual([2, 4, 6, 8])
  })
})

describe('loss of the device', () => {
  test('is one typed event, and every later call throws it', async () => {
    const gpu = await open()
    const { kernel, x, y } = await recordScale(gpu)
    const events: Event[] = []
    gpu.addEventListener('lost', (event) => events.push(event))
    gpu.close()
    const calls: (() => unknown)[] = [
      () => gpu.tensor([1], 'z'),
      () => gpu.upload(new Float32Array(1), [1], 'z'),
      () => kernel.dispatch({ x, y }, params, [1, 1, 1], CHEAP),
      () => gpu.stream.copy(x, y),
      () => gpu.stream.clear(x),
      () => gpu.stream.write(x, new Float32Array(4)),
    ]
    for (const call of calls) expect(call).toThrow(DeviceLostError)
    await expect(gpu.readF32(y)).rejects.toThrow(DeviceLostError)
    await expect(gpu.stream.idle()).rejects.toThrow(DeviceLostError)
    await expect(gpu.kernel(SCALE)).rejects.toThrow(DeviceLostError)
    await vi.waitFor(() => expect(events).toHaveLength(1))
    gpu.close()
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    expect(events).toHaveLength(1)
    const [event] = events
    expect(event).toBeInstanceOf(DeviceLostEvent)
    expect((event as DeviceLostEvent).error).toMatchObject({
      name: 'DeviceLostError',
      message: expect.stringContaining('continue from the last checkpoint'),
    })
  })

  test('in the middle of a read is told as that, not as a failed mapping', async () => {
    const gpu = await open()
    const { y } = await recordScale(gpu)
    const read = gpu.readF32(y)
    gpu.close()
    await expect(read).rejects.toThrow(DeviceLostError)
  })
})

describe('what WebGPU refuses', () => {
  test('names the kernel', async () => {
    const gpu = await open()
    const { kernel, x, y } = await recordScale(gpu)
    await gpu.stream.idle()
    x.buffer.gpuBuffer.destroy()
    kernel.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
    await expect(gpu.readF32(y)).rejects.toThrow(/test\.scale.*refused by WebGPU/)
    await expect(gpu.stream.idle()).rejects.toBeInstanceOf(KernelError)
  })

  test('names the tensor of a write', async () => {
    const gpu = await open()
    const { x } = await recordScale(gpu)
    await gpu.stream.idle()
    x.buffer.gpuBuffer.destroy()
    gpu.stream.write(x, new Float32Array(4))
    await expect(gpu.stream.idle()).rejects.toThrow('write x: refused by WebGPU')
  })
})

describe('timings', () => {
  test.each([
    ['with timestamps', []],
    ['without timestamps', ['timestamp-query']],
  ] as [string, OptionalFeature[]][])(
    '%s, count calls by kernel and cost nothing when off',
    async (_, without) => {
      const gpu = await open(...without)
      gpu.stream.setTiming(true)
      const { kernel, x, y } = await recordScale(gpu, 600)
      gpu.stream.copy(y, x)
      kernel.dispatch({ x, y }, params, [4, 1, 1], { flops: 5e8, bytes: 0 }) // split into several
      await gpu.stream.idle()
      const report = gpu.stream.timings.report()
      expect([...report.keys()]).toEqual(['test.scale'])
      expect(report.get('test.scale')?.calls).toBe(601)
      expect(report.get('test.scale')?.totalMs).toBeGreaterThan(0)
      gpu.stream.timings.clear()
      gpu.stream.setTiming(false)
      kernel.dispatch({ x, y }, params, [1, 1, 1], CHEAP)
      await gpu.stream.idle()
      expect(gpu.stream.timings.report().size).toBe(0)
    },
  )
})
