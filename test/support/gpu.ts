import type { DeviceProfile } from '../../src/gpu/device.ts'
import { Gpu } from '../../src/gpu/gpu.ts'
import type { Tensor } from '../../src/gpu/tensor.ts'

let opened: Promise<Gpu> | undefined

/** The device shared by the tests of one file. A missing adapter fails the test that asks. */
export function testGpu(): Promise<Gpu> {
  opened ??= Gpu.open()
  return opened
}

/** A tensor with every element NaN: what a kernel should assign and did not shows up. */
export function poisoned(gpu: Gpu, shape: readonly number[], label: string): Tensor {
  const size = shape.reduce((product, n) => product * n, 1)
  return gpu.upload(new Float32Array(size).fill(Number.NaN), shape, label)
}

/** A tensor of zeros: where a kernel accumulates. */
export function zeros(gpu: Gpu, shape: readonly number[], label: string): Tensor {
  const size = shape.reduce((product, n) => product * n, 1)
  return gpu.upload(new Float32Array(size), shape, label)
}

/**
 * The same device under another profile, so that kernels take the sizes and designs they would on such an adapter.
 * What runs them stays the adapter of the tests.
 */
export function withProfile(gpu: Gpu, profile: Partial<DeviceProfile>): Gpu {
  return new Proxy(gpu, {
    get(target, name) {
      if (name === 'profile') return { ...target.profile, ...profile }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
