import source from '../../shaders/reduce.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape, teamSpec } from './common.ts'
import {
  type ColumnOptions,
  columnGroups,
  columnsFile,
  compileElementKernel,
  type ElementKernel,
  rowsPerGroup,
} from './element.ts'

interface RowReduction {
  x: Tensor // (rows, cols)
  y: Tensor // (rows), assigned
}

/** Reductions of a matrix along one axis. */
export interface Reduce {
  /** `y[r] = sum over c of x[r, c]`. */
  rowSum(args: RowReduction): void
  /** `y[r] = mean over c of x[r, c]`. */
  rowMean(args: RowReduction): void
  /** `y[r] = max over c of x[r, c]`. */
  rowMax(args: RowReduction): void
  /** `y[c] += sum over r of x[r, c]`: the gradient of a bias added to every row. */
  columnSum(args: {
    x: Tensor // (rows, cols)
    y: Tensor // (cols), accumulated
  }): void
}

/** Compiles the reductions. @throws {KernelError} when a shader does not compile. */
export async function createReduce(gpu: Gpu, options: ColumnOptions = {}): Promise<Reduce> {
  const shader = { path: 'shaders/reduce.wgsl', source }
  const teams = teamSpec(gpu, options)
  const groupRows = rowsPerGroup(gpu, options)
  const overrides = { ROWS_PER_GROUP: groupRows }
  // Every entry point is compiled in one module, so each gets the files of all.
  const common = [...(teams.common ?? []), columnsFile(gpu, options)]
  const compile = (entryPoint: string, label: string) =>
    compileElementKernel(gpu, { label, shader, entryPoint, ...teams, common, overrides })
  const [sum, mean, max, columns] = await Promise.all([
    compile('row_sum', 'reduce.rowSum'),
    compile('row_mean', 'reduce.rowMean'),
    compile('row_max', 'reduce.rowMax'),
    compile('column_sum', 'reduce.columnSum'),
  ])
  const reduceRows = (entry: ElementKernel, { x, y }: RowReduction): void => {
    const [rows, cols] = expectMatrix(entry.label, 'x', x)
    expectShape(entry.label, 'y', y, [rows])
    entry.pick(cols).kernel.dispatch({ x, y }, { rows, cols }, [Math.ceil(rows / groupRows), 1, 1], {
      flops: x.size,
      bytes: x.byteLength,
    })
  }
  return {
    rowSum: (args) => reduceRows(sum, args),
    rowMean: (args) => reduceRows(mean, args),
    rowMax: (args) => reduceRows(max, args),
    columnSum({ x, y }) {
      const [rows, cols] = expectMatrix(columns.label, 'x', x)
      expectShape(columns.label, 'y', y, [cols])
      const { kernel, width } = columns.pick(cols)
      kernel.dispatch({ x, y_columns: y }, { rows, cols }, [columnGroups(cols, width), 1, 1], {
        flops: x.size,
        bytes: x.byteLength,
      })
    },
  }
}
