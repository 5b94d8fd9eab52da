import source from '../../shaders/elementwise.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'
import { compileElementKernel, type ElementKernel, flatFile, flatGroups } from './element.ts'

/** Sums and multiples of tensors of one shape, elementwise; all are linear, so `scale` and `axpy` are their own gradients. */
export interface Elementwise {
  /** `y = a + b`, as where a residual branch joins. */
  add(args: {
    a: Tensor // (...)
    b: Tensor // as a
    y: Tensor // as a, assigned
  }): void
  /** `y += a`. */
  accumulate(args: {
    a: Tensor // (...)
    y: Tensor // as a, accumulated
  }): void
  /** `y = alpha * a`. */
  scale(args: {
    a: Tensor // (...)
    y: Tensor // as a, assigned
    alpha: number
  }): void
  /** `y += alpha * a`. */
  axpy(args: {
    a: Tensor // (...)
    y: Tensor // as a, accumulated
    alpha: number
  }): void
}

/** Compiles the elementwise kernels. @throws {KernelError} when a shader does not compile. */
export async function createElementwise(gpu: Gpu): Promise<Elementwise> {
  const shader = { path: 'shaders/elementwise.wgsl', source }
  const compile = (entryPoint: string) =>
    compileElementKernel(gpu, { label: `elementwise.${entryPoint}`, shader, entryPoint, common: [flatFile] })
  const [add, scale, axpy] = await Promise.all([compile('add'), compile('scale'), compile('axpy')])
  const dispatch = (
    entry: ElementKernel,
    tensors: Record<string, Tensor>,
    a: Tensor,
    alpha: number,
  ): void => {
    for (const [name, tensor] of Object.entries(tensors)) expectShape(entry.label, name, tensor, a.shape)
    const { kernel, width } = entry.pick(a.size)
    kernel.dispatch(tensors, { size: a.size, alpha }, [flatGroups(a.size, width), 1, 1], {
      flops: 2 * a.size,
      bytes: 3 * a.byteLength,
    })
  }
  return {
    add: ({ a, b, y }) => dispatch(add, { a, b, y }, a, 1),
    accumulate: ({ a, y }) => dispatch(axpy, { a, y }, a, 1),
    scale: ({ a, y, alpha }) => dispatch(scale, { a, y }, a, alpha),
    axpy: ({ a, y, alpha }) => dispatch(axpy, { a, y }, a, alpha),
  }
}
