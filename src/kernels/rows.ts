import source from '../../shaders/rows.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'
import { compileElementKernel, type ElementKernel, flatFile, flatGroups } from './element.ts'

/** An index that names no row: `splice` leaves such rows as they are, `gather` writes zeros, `scatter` skips them. */
export const NO_ROW = 0xffff_ffff

/** Rows of a matrix moved by index. */
export interface Rows {
  /** `y[i] = x[index[i]]`; zeros where `index[i]` is no row of x. Its gradient is `scatterAdd`. */
  gather(args: {
    x: Tensor // (rowsIn, cols)
    index: Tensor // (rowsOut), u32
    y: Tensor // (rowsOut, cols), assigned
  }): void
  /** `y[i] = x[index[i]]` where that is a row of x (not `NO_ROW`); other rows stay. Puts image features among tokens. */
  splice(args: {
    x: Tensor // (rowsIn, cols)
    index: Tensor // (rowsOut), u32
    y: Tensor // (rowsOut, cols), assigned where indexed
  }): void
  /**
   * `y[index[i]] = x[i]`; other rows stay, an index past y is skipped. The index must not repeat a row
   * (`assertUnique`): which copy would win is undefined. Its gradient is `gather`.
   */
  scatter(args: {
    x: Tensor // (rowsIn, cols)
    index: Tensor // (rowsIn), u32, no row twice
    y: Tensor // (rowsOut, cols), assigned where indexed
  }): void
  /** `y[d] += sum of x[order[k]], k = offsets[d] .. offsets[d + 1] - 1`, in that order (`sortByDestination`). */
  scatterAdd(args: {
    x: Tensor // (rowsIn, cols)
    offsets: Tensor // (rowsOut + 1), u32
    order: Tensor // (entries), u32
    y: Tensor // (rowsOut, cols), accumulated
  }): void
}

/** Compiles the row kernels. @throws {KernelError} when a shader does not compile. */
export async function createRows(gpu: Gpu): Promise<Rows> {
  const shader = { path: 'shaders/rows.wgsl', source }
  const compile = (entryPoint: string, label: string) =>
    compileElementKernel(gpu, { label, shader, entryPoint, common: [flatFile] })
  const [gather, splice, scatter, scatterAdd] = await Promise.all([
    compile('gather', 'rows.gather'),
    compile('splice', 'rows.splice'),
    compile('scatter', 'rows.scatter'),
    compile('scatter_add', 'rows.scatterAdd'),
  ])
  /** @param moved the matrix whose elements the invocations walk. */
  const dispatch = (entry: ElementKernel, tensors: Record<string, Tensor>, moved: 'x' | 'y'): void => {
    const { x, y } = tensors as { x: Tensor; y: Tensor }
    const [rowsIn, cols] = expectMatrix(entry.label, 'x', x)
    const [rowsOut] = expectMatrix(entry.label, 'y', y)
    expectShape(entry.label, 'y', y, [rowsOut, cols])
    const { index, offsets, order } = tensors
    if (index) expectShape(entry.label, 'index', index, [moved === 'y' ? rowsOut : rowsIn], 'u32')
    if (offsets) expectShape(entry.label, 'offsets', offsets, [rowsOut + 1], 'u32')
    if (order) expectShape(entry.label, 'order', order, [order.size], 'u32')
    const { kernel, width } = entry.pick(cols)
    const size = moved === 'y' ? y.size : x.size
    const bytes = x.byteLength + y.byteLength
    const params = { rows_in: rowsIn, rows_out: rowsOut, cols }
    kernel.dispatch(tensors, params, [flatGroups(size, width), 1, 1], { flops: size, bytes })
  }
  return {
    gather: ({ x, index, y }) => dispatch(gather, { x, index, y }, 'y'),
    splice: ({ x, index, y }) => dispatch(splice, { x, index, y }, 'y'),
    scatter: ({ x, index, y }) => dispatch(scatter, { x, index, y }, 'x'),
    scatterAdd: ({ x, offsets, order, y }) => dispatch(scatterAdd, { x, offsets, order, y }, 'y'),
  }
}

/**
 * Lists, for each destination row, the sources that go there, in the order they come: what `scatterAdd` wants.
 * An index that is no destination (such as `NO_ROW`) goes nowhere.
 * @param index (sources): each source row's destination.
 * @returns offsets (destinations + 1) into order; order ends in one unused 0 where it would be empty.
 */
export function sortByDestination(
  index: ArrayLike<number>,
  destinations: number,
): { offsets: Uint32Array<ArrayBuffer>; order: Uint32Array<ArrayBuffer> } {
  const lists = Array.from({ length: destinations }, (): number[] => [])
  for (let i = 0; i < index.length; i++) lists[index[i] ?? NO_ROW]?.push(i)
  const offsets = new Uint32Array(destinations + 1)
  lists.forEach((list, d) => {
    offsets[d + 1] = (offsets[d] ?? 0) + list.length
  })
  const order = lists.flat()
  return { offsets, order: Uint32Array.from(order.length > 0 ? order : [0]) }
}

/** @throws {ShapeError} when an index for `scatter` names a row twice or past the end; `NO_ROW` may repeat. */
export function assertUnique(index: ArrayLike<number>, rows: number): void {
  const seen = new Set<number>()
  for (let i = 0; i < index.length; i++) {
    const row = index[i] ?? NO_ROW
    if (row === NO_ROW) continue
    if (row >= rows) throw new ShapeError(`rows.scatter: expected rows below ${rows}, got ${row} at ${i}`)
    if (seen.has(row)) throw new ShapeError(`rows.scatter: expected every row once, got ${row} again at ${i}`)
    seen.add(row)
  }
}
