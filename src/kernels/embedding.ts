import source from '../../shaders/embedding.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectMatrix, expectShape } from './common.ts'
import { ELEMENT_WORKGROUP } from './element.ts'
import {
  expectWeight,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
  weightFiles,
  weightQuads,
  weightTensors,
} from './weight.ts'

/**
 * Rows of a frozen table by token id: `y[t] = weight[ids[t]]`, decoded where the table is quantised.
 * An id past the vocabulary gives a row of zeros; `uploadIds` refuses such ids beforehand.
 * For the gradient to a table that does learn, use `rows.scatterAdd` with `sortByDestination(ids, vocabulary)`.
 */
export interface Embedding {
  forward(args: {
    ids: Tensor // (rows), u32
    weight: Weight // (vocabulary, cols)
    y: Tensor // (rows, cols), assigned
  }): void
}

/** Compiles the embedding for one weight format. @throws {KernelError} when a shader does not compile. */
export async function createEmbedding(
  gpu: Gpu,
  options: { format: WeightFormat; scaleFormat?: ScaleFormat },
): Promise<Embedding> {
  const { scaleFormat = 'f16' } = options
  const kernel = await gpu.kernel({
    label: 'embedding.forward',
    shader: { path: 'shaders/embedding.wgsl', source },
    entryPoint: 'forward',
    common: weightFiles(options.format, scaleFormat),
  })
  return {
    forward({ ids, weight, y }) {
      const [rows, cols] = expectMatrix(kernel.label, 'y', y)
      const [vocabulary] = weight.shape
      expectShape(kernel.label, 'ids', ids, [rows], 'u32')
      expectWeight(kernel.label, weight, [vocabulary, cols], options.format, scaleFormat)
      kernel.dispatch(
        { ids, y, ...weightTensors(weight) },
        { rows, cols, vocabulary, quads: weightQuads(weight) },
        [Math.ceil((rows * Math.ceil(cols / 4)) / ELEMENT_WORKGROUP), 1, 1],
        { flops: y.size, bytes: 2 * y.byteLength },
      )
    },
  }
}

/** Uploads token ids, (ids.length). @throws {ShapeError} for an id that is no whole number in 0 .. vocabulary - 1. */
export function uploadIds(gpu: Gpu, ids: ArrayLike<number>, vocabulary: number, label = 'ids'): Tensor {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]
    if (id === undefined || !Number.isInteger(id) || id < 0 || id >= vocabulary) {
      throw new ShapeError(`${label}: expected token ids in 0..${vocabulary - 1}, got ${id} at position ${i}`)
    }
  }
  return gpu.upload(Uint32Array.from(ids), [ids.length], label)
}
