import sourceBf16 from '../../shaders/common/source.bf16.wgsl?raw'
import sourceF16 from '../../shaders/common/source.f16.wgsl?raw'
import sourceF32 from '../../shaders/common/source.f32.wgsl?raw'
import source from '../../shaders/quantize.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'
import { halfFile } from './half.ts'
import {
  expectWeight,
  GROUP_SIZE,
  paddedCols,
  type ScaleFormat,
  type Weight,
  type WeightFormat,
} from './weight.ts'

/** Number type of the values a weight is made from; f16 and bf16 come as packed u32 words, low half first. */
export type SourceFormat = 'f32' | 'f16' | 'bf16'

/**
 * Stores numbers as a weight: f16 to the nearest; int8 and int4 with one symmetric scale for every 32 elements along a row,
 * `scale = max |w| / 127` or `/ 7`, `q = w / scale` to the nearest, ties to even.
 */
export interface Quantize {
  /**
   * Writes rows `firstRow ..` of the weight.
   * @throws {ShapeError} unless the source holds whole rows and they fit.
   */
  quantize(args: {
    source: Tensor // (rows, cols) f32; or ceil(rows * cols / 2) u32 words
    weight: Weight // (firstRow + rows or more, cols)
    firstRow?: number // default 0
    /** Rows in the source; default all rows of the weight from `firstRow` on. */
    rows?: number
  }): void
}

const SOURCES: Record<SourceFormat, string> = { f32: sourceF32, f16: sourceF16, bf16: sourceBf16 }

/** Elements one invocation does. */
const UNIT: Record<WeightFormat, number> = { f32: 4, f16: 8, int8: 2 * GROUP_SIZE, int4: 2 * GROUP_SIZE }

/** Compiles storing into one format. @throws {KernelError} when a shader does not compile. */
export async function createQuantize(
  gpu: Gpu,
  options: {
    format: WeightFormat
    /** Default f16. */
    scaleFormat?: ScaleFormat
    /** Default f32. */
    source?: SourceFormat
  },
): Promise<Quantize> {
  const { format, scaleFormat = 'f16', source: sourceFormat = 'f32' } = options
  const isInteger = format === 'int8' || format === 'int4'
  const kernel = await gpu.kernel({
    label: `quantize.${format}`,
    shader: { path: 'shaders/quantize.wgsl', source },
    entryPoint: isInteger ? 'to_int' : `to_${format}`,
    common: [halfFile, { path: `shaders/common/source.${sourceFormat}.wgsl`, source: SOURCES[sourceFormat] }],
    consts: {
      BITS: format === 'int4' ? 4 : 8,
      Q: format === 'int4' ? 7 : 127,
      SCALE_F16: scaleFormat === 'f16' ? 1 : 0,
    },
  })
  return {
    quantize({ source, weight, firstRow = 0, rows = weight.shape[0] - firstRow }) {
      const [weightRows, cols] = weight.shape
      expectWeight(kernel.label, weight, [weightRows, cols], format, scaleFormat)
      if (rows < 1 || firstRow < 0 || firstRow + rows > weightRows) {
        throw new ShapeError(
          `${kernel.label}: expected rows within 0..${weightRows}, got ${firstRow}..${firstRow + rows}`,
        )
      }
      if (sourceFormat === 'f32') expectShape(kernel.label, 'source', source, [rows, cols])
      else expectShape(kernel.label, 'source', source, [Math.ceil((rows * cols) / 2)], 'u32')
      const padded = paddedCols(format, cols)
      const units = Math.ceil((rows * padded) / UNIT[format]) + (isInteger ? 1 : 0) // pairs may start half-way
      kernel.dispatch(
        { source, words: weight.data, ...(weight.scales && { scales: weight.scales.data }) },
        { rows, cols, padded_cols: padded, first_row: firstRow },
        [Math.ceil(units / 64), 1, 1],
        { flops: 4 * rows * cols, bytes: 2 * source.byteLength + weight.data.byteLength },
      )
    },
  }
}
