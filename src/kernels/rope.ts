import source from '../../shaders/rope.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Grid } from '../gpu/pacer.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'
import { compileElementKernel, ELEMENT_WORKGROUP, type ElementKernel } from './element.ts'

const HEADS_PER_INVOCATION = 4

/**
 * Rotary position embedding in the rotate-half pairing of Hugging Face's Llama (arXiv 2104.09864): every head's pair
 * (i, i + headDim / 2) is turned by the angle of its row's position, read from a table (`ropeTable`).
 * A row whose position is past the table comes out as zeros.
 */
export interface Rope {
  forward(args: {
    x: Tensor // (rows, heads * headDim)
    table: Tensor // (maxPositions, headDim)
    positions: Tensor // (rows), u32
    y: Tensor // (rows, heads * headDim), assigned
  }): void
  /** Gradient to the input: the rotation by the negative angle. */
  backward(args: {
    dout: Tensor // (rows, heads * headDim)
    table: Tensor // (maxPositions, headDim)
    positions: Tensor // (rows), u32
    dinp: Tensor // (rows, heads * headDim), assigned
  }): void
}

/** Compiles RoPE. @throws {KernelError} when a shader does not compile. */
export async function createRope(gpu: Gpu): Promise<Rope> {
  const shader = { path: 'shaders/rope.wgsl', source }
  const [forward, backward] = await Promise.all([
    compileElementKernel(gpu, { label: 'rope.forward', shader, entryPoint: 'forward' }),
    compileElementKernel(gpu, { label: 'rope.backward', shader, entryPoint: 'backward' }),
  ])
  const turn = (
    kernel: ElementKernel,
    [inName, input]: readonly ['x' | 'dout', Tensor],
    [outName, output]: readonly ['y' | 'dinp', Tensor],
    table: Tensor,
    positions: Tensor,
  ): void => {
    const [rows, cols] = expectMatrix(kernel.label, inName, input)
    const [maxPositions, headDim] = expectMatrix(kernel.label, 'table', table)
    if (headDim % 2 !== 0 || cols % headDim !== 0) {
      throw new ShapeError(
        `${kernel.label}: expected ${inName} (rows, heads * headDim) with the table's even headDim, ` +
          `got (${rows}, ${cols}) with headDim ${headDim}`,
      )
    }
    expectShape(kernel.label, 'positions', positions, [rows], 'u32')
    expectShape(kernel.label, outName, output, [rows, cols])
    const heads = cols / headDim
    const half = headDim / 2
    const { kernel: compiled, width } = kernel.pick(half)
    const grid: Grid = [
      Math.ceil((rows * half) / width / ELEMENT_WORKGROUP),
      Math.ceil(heads / HEADS_PER_INVOCATION),
      1,
    ]
    compiled.dispatch(
      { [inName]: input, [outName]: output, table, positions },
      { rows, heads, half, max_positions: maxPositions },
      grid,
      { flops: 3 * input.size, bytes: 2 * input.byteLength },
    )
  }
  return {
    forward: ({ x, table, positions, y }) => turn(forward, ['x', x], ['y', y], table, positions),
    backward: ({ dout, table, positions, dinp }) =>
      turn(backward, ['dout', dout], ['dinp', dinp], table, positions),
  }
}
