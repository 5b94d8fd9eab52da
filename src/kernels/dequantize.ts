import source from '../../shaders/dequantize.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'
import {
  expectWeight,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
  weightFiles,
  weightQuads,
  weightTensors,
} from './weight.ts'

/** Reads weights of one format back into f32. */
export interface Dequantize {
  dequantize(args: {
    weight: Weight // (rows, cols)
    values: Tensor // (rows, cols), assigned
  }): void
}

/** Compiles reading one format. @throws {KernelError} when a shader does not compile. */
export async function createDequantize(
  gpu: Gpu,
  options: {
    format: WeightFormat
    /** Default f16. */
    scaleFormat?: ScaleFormat
  },
): Promise<Dequantize> {
  const { format, scaleFormat = 'f16' } = options
  const kernel = await gpu.kernel({
    label: `dequantize.${format}`,
    shader: { path: 'shaders/dequantize.wgsl', source },
    entryPoint: 'dequantize',
    common: weightFiles(format, scaleFormat),
  })
  return {
    dequantize({ weight, values }) {
      const [rows, cols] = weight.shape
      expectWeight(kernel.label, weight, [rows, cols], format, scaleFormat)
      expectShape(kernel.label, 'values', values, [rows, cols])
      kernel.dispatch(
        { ...weightTensors(weight), values },
        { rows, cols, quads: weightQuads(weight) },
        [Math.ceil(cols / 64), rows, 1],
        { flops: values.size, bytes: weight.data.byteLength + values.byteLength },
      )
    },
  }
}
