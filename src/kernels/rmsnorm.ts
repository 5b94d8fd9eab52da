import source from '../../shaders/rmsnorm.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, teamSpec } from './common.ts'
import {
  type ColumnOptions,
  columnGroups,
  columnsFile,
  compileElementKernel,
  rowsPerGroup,
} from './element.ts'

/** RMSNorm over the last axis: `y = x * rstd * weight`, `rstd = 1 / sqrt(mean(x^2) + eps)` (arXiv 1910.07467). */
export interface RmsNorm {
  /** Computes `y` and keeps `rstd` for the backward pass. */
  forward(args: {
    x: Tensor // (rows, cols)
    weight: Tensor // (cols)
    y: Tensor // (rows, cols), assigned
    rstd: Tensor // (rows), assigned
    eps: number
  }): void
  /** Gradient to the input. */
  backward(args: {
    x: Tensor // (rows, cols)
    weight: Tensor // (cols)
    rstd: Tensor // (rows)
    dout: Tensor // (rows, cols)
    dinp: Tensor // (rows, cols), assigned
  }): void
  /** Gradient to the weight. */
  backwardWeight(args: {
    x: Tensor // (rows, cols)
    rstd: Tensor // (rows)
    dout: Tensor // (rows, cols)
    dweight: Tensor // (cols), accumulated
  }): void
}

/** Compiles RMSNorm. @throws {KernelError} when a shader does not compile. */
export async function createRmsNorm(gpu: Gpu, options: ColumnOptions = {}): Promise<RmsNorm> {
  const shader = { path: 'shaders/rmsnorm.wgsl', source }
  const teams = teamSpec(gpu, options)
  const groupRows = rowsPerGroup(gpu, options)
  const overrides = { ROWS_PER_GROUP: groupRows }
  // Every entry point is compiled in one module, so each gets the files of all.
  const common = [...(teams.common ?? []), columnsFile(gpu, options)]
  const compile = (entryPoint: string, label: string) =>
    compileElementKernel(gpu, { label, shader, entryPoint, ...teams, common, overrides })
  const [forward, backward, backwardWeight] = await Promise.all([
    compile('forward', 'rmsnorm.forward'),
    compile('backward', 'rmsnorm.backward'),
    compile('backward_weight', 'rmsnorm.backwardWeight'),
  ])
  return {
    forward({ x, weight, y, rstd, eps }) {
      const [rows, cols] = expectMatrix(forward.label, 'x', x)
      expectShape(forward.label, 'weight', weight, [cols])
      expectShape(forward.label, 'y', y, [rows, cols])
      expectShape(forward.label, 'rstd', rstd, [rows])
      forward
        .pick(cols)
        .kernel.dispatch({ x, weight, y, rstd }, { rows, cols, eps }, [Math.ceil(rows / groupRows), 1, 1], {
          flops: 4 * x.size,
          bytes: 3 * x.byteLength,
        })
    },
    backward({ x, weight, rstd, dout, dinp }) {
      const [rows, cols] = expectMatrix(backward.label, 'x', x)
      expectShape(backward.label, 'weight', weight, [cols])
      expectShape(backward.label, 'rstd', rstd, [rows])
      expectShape(backward.label, 'dout', dout, [rows, cols])
      expectShape(backward.label, 'dinp', dinp, [rows, cols])
      backward
        .pick(cols)
        .kernel.dispatch(
          { x, weight, rstd, dout, dinp },
          { rows, cols, eps: 0 },
          [Math.ceil(rows / groupRows), 1, 1],
          { flops: 7 * x.size, bytes: 5 * x.byteLength },
        )
    },
    backwardWeight({ x, rstd, dout, dweight }) {
      const [rows, cols] = expectMatrix(backwardWeight.label, 'x', x)
      expectShape(backwardWeight.label, 'rstd', rstd, [rows])
      expectShape(backwardWeight.label, 'dout', dout, [rows, cols])
      expectShape(backwardWeight.label, 'dweight', dweight, [cols])
      const { kernel, width } = backwardWeight.pick(cols)
      kernel.dispatch({ x, rstd, dout, dweight }, { rows, cols, eps: 0 }, [columnGroups(cols, width), 1, 1], {
        flops: 3 * x.size,
        bytes: 2 * x.byteLength,
      })
    },
  }
}
