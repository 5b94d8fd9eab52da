import source from '../../shaders/layernorm.wgsl?raw'
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

/**
 * LayerNorm over the last axis: `y = (x - mean) * rstd * weight + bias`,
 * `rstd = 1 / sqrt(mean((x - mean)^2) + eps)` (arXiv 1607.06450).
 */
export interface LayerNorm {
  /** Computes `y` and keeps `mean` and `rstd` for the backward pass. */
  forward(args: {
    x: Tensor // (rows, cols)
    weight: Tensor // (cols)
    bias: Tensor // (cols)
    y: Tensor // (rows, cols), assigned
    mean: Tensor // (rows), assigned
    rstd: Tensor // (rows), assigned
    eps: number
  }): void
  /** Gradient to the input. */
  backward(args: {
    x: Tensor // (rows, cols)
    weight: Tensor // (cols)
    mean: Tensor // (rows)
    rstd: Tensor // (rows)
    dout: Tensor // (rows, cols)
    dinp: Tensor // (rows, cols), assigned
  }): void
  /** Gradients to weight and bias. */
  backwardWeight(args: {
    x: Tensor // (rows, cols)
    mean: Tensor // (rows)
    rstd: Tensor // (rows)
    dout: Tensor // (rows, cols)
    dweight: Tensor // (cols), accumulated
    dbias: Tensor // (cols), accumulated
  }): void
}

/** Compiles LayerNorm. @throws {KernelError} when a shader does not compile. */
export async function createLayerNorm(gpu: Gpu, options: ColumnOptions = {}): Promise<LayerNorm> {
  const shader = { path: 'shaders/layernorm.wgsl', source }
  const teams = teamSpec(gpu, options)
  const groupRows = rowsPerGroup(gpu, options)
  const overrides = { ROWS_PER_GROUP: groupRows }
  // Every entry point is compiled in one module, so each gets the files of all.
  const common = [...(teams.common ?? []), columnsFile(gpu, options)]
  const compile = (entryPoint: string, label: string) =>
    compileElementKernel(gpu, { label, shader, entryPoint, ...teams, common, overrides })
  const [forward, backward, backwardWeight] = await Promise.all([
    compile('forward', 'layernorm.forward'),
    compile('backward', 'layernorm.backward'),
    compile('backward_weight', 'layernorm.backwardWeight'),
  ])
  return {
    forward({ x, weight, bias, y, mean, rstd, eps }) {
      const [rows, cols] = expectMatrix(forward.label, 'x', x)
      expectShape(forward.label, 'weight', weight, [cols])
      expectShape(forward.label, 'bias', bias, [cols])
      expectShape(forward.label, 'y', y, [rows, cols])
      expectShape(forward.label, 'mean', mean, [rows])
      expectShape(forward.label, 'rstd', rstd, [rows])
      forward
        .pick(cols)
        .kernel.dispatch(
          { x, weight, bias, y, mean, rstd },
          { rows, cols, eps },
          [Math.ceil(rows / groupRows), 1, 1],
          { flops: 8 * x.size, bytes: 4 * x.byteLength },
        )
    },
    backward({ x, weight, mean, rstd, dout, dinp }) {
      const [rows, cols] = expectMatrix(backward.label, 'x', x)
      expectShape(backward.label, 'weight', weight, [cols])
      expectShape(backward.label, 'mean', mean, [rows])
      expectShape(backward.label, 'rstd', rstd, [rows])
      expectShape(backward.label, 'dout', dout, [rows, cols])
      expectShape(backward.label, 'dinp', dinp, [rows, cols])
      backward
        .pick(cols)
        .kernel.dispatch(
          { x, weight, mean, rstd, dout, dinp },
          { rows, cols, eps: 0 },
          [Math.ceil(rows / groupRows), 1, 1],
          { flops: 11 * x.size, bytes: 5 * x.byteLength },
        )
    },
    backwardWeight({ x, mean, rstd, dout, dweight, dbias }) {
      const [rows, cols] = expectMatrix(backwardWeight.label, 'x', x)
      expectShape(backwardWeight.label, 'mean', mean, [rows])
      expectShape(backwardWeight.label, 'rstd', rstd, [rows])
      expectShape(backwardWeight.label, 'dout', dout, [rows, cols])
      expectShape(backwardWeight.label, 'dweight', dweight, [cols])
      expectShape(backwardWeight.label, 'dbias', dbias, [cols])
      const { kernel, width } = backwardWeight.pick(cols)
      kernel.dispatch(
        { x, mean, rstd, dout, dweight, dbias },
        { rows, cols, eps: 0 },
        [columnGroups(cols, width), 1, 1],
        { flops: 5 * x.size, bytes: 2 * x.byteLength },
      )
    },
  }
}
