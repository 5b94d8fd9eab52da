import source from '../../shaders/transpose.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'

const TILE = 32

/** Transpose of a matrix, `y[c, r] = x[r, c]`; its gradient is itself. */
export interface Transpose {
  forward(args: {
    x: Tensor // (rows, cols)
    y: Tensor // (cols, rows), assigned
  }): void
}

/** Compiles the transpose. @throws {KernelError} when a shader does not compile. */
export async function createTranspose(gpu: Gpu): Promise<Transpose> {
  const shader = { path: 'shaders/transpose.wgsl', source }
  const label = 'transpose.forward'
  const [whole, ragged] = await Promise.all([
    gpu.kernel({ label, shader, entryPoint: 'forward' }),
    gpu.kernel({ label, shader, entryPoint: 'forward_ragged' }),
  ])
  return {
    forward({ x, y }) {
      const [rows, cols] = expectMatrix(label, 'x', x)
      expectShape(label, 'y', y, [cols, rows])
      const grid = [Math.ceil(cols / TILE), Math.ceil(rows / TILE), 1] as const
      const cost = { flops: 0, bytes: 2 * x.byteLength }
      if (rows % 4 === 0 && cols % 4 === 0) whole.dispatch({ x, y }, { rows, cols }, grid, cost)
      else ragged.dispatch({ x_ragged: x, y_ragged: y }, { rows, cols }, grid, cost)
    },
  }
}
