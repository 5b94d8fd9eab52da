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
