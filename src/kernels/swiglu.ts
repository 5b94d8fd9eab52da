import source from '../../shaders/swiglu.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'
import { compileElementKernel, type ElementKernel, flatFile, flatGroups, sigmoidFile } from './element.ts'

/** SwiGLU: `y = silu(gate) * up`, `silu(g) = g * sigmoid(g)` (arXiv 2002.05202). */
export interface SwiGlu {
  forward(args: {
    gate: Tensor // (rows, inner)
    up: Tensor // (rows, inner)
    y: Tensor // (rows, inner), assigned
  }): void
  /** Gradients to both inputs. */
  backward(args: {
    gate: Tensor // (rows, inner)
    up: Tensor // (rows, inner)
    dout: Tensor // (rows, inner)
    dgate: Tensor // (rows, inner), assigned
    dup: Tensor // (rows, inner), assigned
  }): void
  /** `forward` with each row's gate and up side by side. */
  forwardFused(args: {
    gateUp: Tensor // (rows, 2 * inner)
    y: Tensor // (rows, inner), assigned
  }): void
  /** `backward` with each row's gate and up side by side. */
  backwardFused(args: {
    gateUp: Tensor // (rows, 2 * inner)
    dout: Tensor // (rows, inner)
    dgateUp: Tensor // (rows, 2 * inner), assigned
  }): void
}

/** Compiles SwiGLU. @throws {KernelError} when a shader does not compile. */
export async function createSwiGlu(gpu: Gpu): Promise<SwiGlu> {
  const shader = { path: 'shaders/swiglu.wgsl', source }
  const compile = (entryPoint: string, label: string) =>
    compileElementKernel(gpu, { label, shader, entryPoint, common: [flatFile, sigmoidFile] })
  const [forward, backward, forwardFused, backwardFused] = await Promise.all([
    compile('forward', 'swiglu.forward'),
    compile('backward', 'swiglu.backward'),
    compile('forward_fused', 'swiglu.forwardFused'),
    compile('backward_fused', 'swiglu.backwardFused'),
  ])
  /** @param passes matrices of (rows, inner) read and written. */
  const dispatch = (
    entry: ElementKernel,
    tensors: Record<string, Tensor>,
    [rows, inner]: readonly [number, number],
    passes: number,
  ): void => {
    const { kernel, width } = entry.pick(inner)
    const size = rows * inner
    kernel.dispatch(tensors, { rows, inner }, [flatGroups(size, width), 1, 1], {
      flops: 8 * size,
      bytes: 4 * passes * size,
    })
  }
  return {
    forward({ gate, up, y }) {
      const shape = expectMatrix(forward.label, 'gate', gate)
      expectShape(forward.label, 'up', up, shape)
      expectShape(forward.label, 'y', y, shape)
      dispatch(forward, { gate, up, y }, shape, 3)
    },
    backward({ gate, up, dout, dgate, dup }) {
      const shape = expectMatrix(backward.label, 'gate', gate)
      expectShape(backward.label, 'up', up, shape)
      expectShape(backward.label, 'dout', dout, shape)
      expectShape(backward.label, 'dgate', dgate, shape)
      expectShape(backward.label, 'dup', dup, shape)
      dispatch(backward, { gate, up, dout, dgate, dup }, shape, 5)
    },
    forwardFused({ gateUp, y }) {
      const [rows, inner] = expectMatrix(forwardFused.label, 'y', y)
      expectShape(forwardFused.label, 'gateUp', gateUp, [rows, 2 * inner])
      dispatch(forwardFused, { gate_up: gateUp, y }, [rows, inner], 3)
    },
    backwardFused({ gateUp, dout, dgateUp }) {
      const [rows, inner] = expectMatrix(backwardFused.label, 'dout', dout)
      expectShape(backwardFused.label, 'gateUp', gateUp, [rows, 2 * inner])
      expectShape(backwardFused.label, 'dgateUp', dgateUp, [rows, 2 * inner])
      dispatch(backwardFused, { gate_up: gateUp, dout, dgate_up: dgateUp }, [rows, inner], 5)
    },
  }
}
