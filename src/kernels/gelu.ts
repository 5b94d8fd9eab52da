import source from '../../shaders/gelu.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'
import { compileElementKernel, flatFile, flatGroups, sigmoidFile } from './element.ts'

/**
 * Which GELU: `erf` is exact to 1e-6, `tanh` Hugging Face's `gelu_pytorch_tanh` and `gelu_new`,
 * `quick` OpenAI CLIP's `x * sigmoid(1.702 x)`.
 */
export type GeluForm = 'erf' | 'tanh' | 'quick'

const FORMS: Record<GeluForm, number> = { erf: 0, tanh: 1, quick: 2 }

/** GELU, elementwise: `y = x * Phi(x)` (arXiv 1606.08415), or one of its approximations. */
export interface Gelu {
  forward(args: {
    x: Tensor // (...)
    y: Tensor // as x, assigned
  }): void
  /** Gradient to the input. */
  backward(args: {
    x: Tensor // (...)
    dout: Tensor // as x
    dinp: Tensor // as x, assigned
  }): void
}

/** Compiles one form of GELU. @throws {KernelError} when a shader does not compile. */
export async function createGelu(gpu: Gpu, options: { form: GeluForm }): Promise<Gelu> {
  const shader = { path: 'shaders/gelu.wgsl', source }
  const common = [flatFile, sigmoidFile]
  const overrides = { FORM: FORMS[options.form] }
  const compile = (entryPoint: string) =>
    compileElementKernel(gpu, { label: `gelu.${entryPoint}`, shader, entryPoint, common, overrides })
  const [forward, backward] = await Promise.all([compile('forward'), compile('backward')])
  return {
    forward({ x, y }) {
      expectShape(forward.label, 'x', x, x.shape)
      expectShape(forward.label, 'y', y, x.shape)
      const { kernel, width } = forward.pick(x.size)
      kernel.dispatch({ x, y }, { size: x.size }, [flatGroups(x.size, width), 1, 1], {
        flops: 12 * x.size,
        bytes: 2 * x.byteLength,
      })
    },
    backward({ x, dout, dinp }) {
      expectShape(backward.label, 'x', x, x.shape)
      expectShape(backward.label, 'dout', dout, x.shape)
      expectShape(backward.label, 'dinp', dinp, x.shape)
      const { kernel, width } = backward.pick(x.size)
      kernel.dispatch({ x, dout, dinp }, { size: x.size }, [flatGroups(x.size, width), 1, 1], {
        flops: 18 * x.size,
        bytes: 3 * x.byteLength,
      })
    },
  }
}
