import f16 from '../../shaders/common/weight.f16.wgsl?raw'
import f32 from '../../shaders/common/weight.f32.wgsl?raw'
import int4 from '../../shaders/common/weight.int4.wgsl?raw'
import int8 from '../../shaders/common/weight.int8.wgsl?raw'
import scaleF16 from '../../shaders/common/weight.scale.f16.wgsl?raw'
import scaleF32 from '../../shaders/common/weight.scale.f32.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { ShaderFile } from '../gpu/pipelines.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { halfFile } from './half.ts'

/** How a frozen weight is stored: in f32 or f16, or as int8 or int4 with a scale for every 32 elements along a row. */
export type WeightFormat = 'f32' | 'f16' | 'int8' | 'int4'
/** Number type of a quantised weight's scales. */
export type ScaleFormat = 'f32' | 'f16'

/** Elements that share one scale in the quantised formats. */
export const GROUP_SIZE = 32

/** A frozen matrix of a linear layer, (out, in) as in PyTorch, or of an embedding, (vocabulary, hidden). */
export interface Weight {
  readonly format: WeightFormat
  readonly shape: readonly [rows: number, cols: number]
  /** f32: (rows, padded cols); other formats: packed u32 words of the padded rows. Padding holds zeros. */
  readonly data: Tensor
  /** One scale a group, rows in order; only for int8 and int4. */
  readonly scales?: { readonly format: ScaleFormat; readonly data: Tensor }
}

const ROW_MULTIPLE: Record<WeightFormat, number> = { f32: 4, f16: 8, int8: GROUP_SIZE, int4: GROUP_SIZE }
const BITS: Record<WeightFormat, number> = { f32: 32, f16: 16, int8: 8, int4: 4 }
const SOURCES: Record<WeightFormat, string> = { f32, f16, int8, int4 }
const SCALE_SOURCES: Record<ScaleFormat, string> = { f32: scaleF32, f16: scaleF16 }

/** Elements a stored row takes, padding included. */
export function paddedCols(format: WeightFormat, cols: number): number {
  return Math.ceil(cols / ROW_MULTIPLE[format]) * ROW_MULTIPLE[format]
}

/** 32-bit words of a stored weight's data. */
export function weightWords(format: WeightFormat, rows: number, cols: number): number {
  return (rows * paddedCols(format, cols) * BITS[format]) / 32
}

/** Allocates a weight with undefined contents; give it back with `releaseWeight`. */
export function allocateWeight(
  gpu: Gpu,
  format: WeightFormat,
  rows: number,
  cols: number,
  label: string,
  scaleFormat: ScaleFormat = 'f16',
): Weight {
  const shape = [rows, cols] as const
  if (format === 'f32') return { format, shape, data: gpu.tensor([rows, paddedCols(format, cols)], label) }
  const data = gpu.tensor([weightWords(format, rows, cols)], label, 'u32')
  if (format === 'f16') return { format, shape, data }
  const groups = (rows * paddedCols(format, cols)) / GROUP_SIZE
  const scales =
    scaleFormat === 'f32'
      ? gpu.tensor([groups], `${label}.scales`)
      : gpu.tensor([Math.ceil(groups / 2)], `${label}.scales`, 'u32')
  return { format, shape, data, scales: { format: scaleFormat, data: scales } }
}

/** Uploads an f32 matrix (rows, cols) as it is. @throws {ShapeError} when the sizes differ. */
export function uploadWeight(
  gpu: Gpu,
  values: Float32Array<ArrayBuffer>,
  shape: readonly [number, number],
  label: string,
): Weight {
  const [rows, cols] = shape
  if (values.length !== rows * cols) {
    throw new ShapeError(
      `${label}: expected ${rows * cols} elements (${rows}, ${cols}), got ${values.length}`,
    )
  }
  const weight = allocateWeight(gpu, 'f32', rows, cols, label)
  const stride = paddedCols('f32', cols)
  let padded = values
  if (stride !== cols) {
    padded = new Float32Array(rows * stride)
    for (let r = 0; r < rows; r++) padded.set(values.subarray(r * cols, (r + 1) * cols), r * stride)
  }
  gpu.stream.write(weight.data, padded)
  return weight
}

/** An f32 matrix on the GPU as a weight, without a copy. @throws {ShapeError} unless its rows are whole vec4s. */
export function asWeight(values: Tensor): Weight {
  const [rows, cols] = values.shape
  if (values.shape.length !== 2 || rows === undefined || cols === undefined || cols % 4 !== 0) {
    throw new ShapeError(
      `${values.label}: expected (rows, multiple of 4) to use as a weight, got (${values.shape.join(', ')})`,
    )
  }
  return { format: 'f32', shape: [rows, cols], data: values }
}

export function releaseWeight(gpu: Gpu, weight: Weight): void {
  gpu.release(weight.data)
  if (weight.scales) gpu.release(weight.scales.data)
}

/** The WGSL files that give a shader `weight_vec4` and `weight_at` for one format, for `KernelSpec.common`. */
export function weightFiles(format: WeightFormat, scaleFormat: ScaleFormat = 'f16'): ShaderFile[] {
  const file = { path: `shaders/common/weight.${format}.wgsl`, source: SOURCES[format] }
  if (format === 'f32' || format === 'f16') return [file]
  const scales = {
    path: `shaders/common/weight.scale.${scaleFormat}.wgsl`,
    source: SCALE_SOURCES[scaleFormat],
  }
  return scaleFormat === 'f16' ? [halfFile, scales, file] : [scales, file]
}

/** The buffers `weightFiles` binds, to be spread among a dispatch's tensors. */
export function weightTensors(weight: Weight): Record<string, Tensor> {
  return weight.scales
    ? { weight_data: weight.data, weight_scales: weight.scales.data }
    : { weight_data: weight.data }
}

/** Groups of 4 elements in a stored row: the `quads` argument of the WGSL functions. */
export function weightQuads(weight: Weight): number {
  return paddedCols(weight.format, weight.shape[1]) / 4
}

/** @throws {ShapeError} unless a weight has the shape and storage a kernel was compiled for. */
export function expectWeight(
  kernel: string,
  weight: Weight,
  shape: readonly [number, number],
  format: WeightFormat,
  scaleFormat: ScaleFormat = 'f16',
): void {
  if (weight.shape[0] !== shape[0] || weight.shape[1] !== shape[1]) {
    throw new ShapeError(`${kernel}: expected weight (${shape.join(', ')}), got (${weight.shape.join(', ')})`)
  }
  if (weight.format !== format) {
    throw new ShapeError(`${kernel}: compiled for weights in ${format}, got ${weight.format}`)
  }
  if (weight.scales && weight.scales.format !== scaleFormat) {
    throw new ShapeError(`${kernel}: compiled for scales in ${scaleFormat}, got ${weight.scales.format}`)
  }
}
