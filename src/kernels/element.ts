import columnsSerial from '../../shaders/common/columns.serial.wgsl?raw'
import columnsStrips from '../../shaders/common/columns.strips.wgsl?raw'
import scalar from '../../shaders/common/element.scalar.wgsl?raw'
import vec4 from '../../shaders/common/element.vec4.wgsl?raw'
import flat from '../../shaders/common/flat.wgsl?raw'
import sigmoid from '../../shaders/common/sigmoid.wgsl?raw'
import type { Gpu, Kernel } from '../gpu/gpu.ts'
import type { KernelSpec, ShaderFile } from '../gpu/pipelines.ts'
import type { KernelOptions } from './common.ts'

/** Invocations of a workgroup that works on elements one by one. */
export const ELEMENT_WORKGROUP = 64
/** As in `common/flat.wgsl`. */
const FLAT_WORKGROUP = 256
const FLAT_PER_INVOCATION = 4
/** Elements (numbers or vec4s) a workgroup of `common/columns.*.wgsl` covers along a row. */
const COLUMN_LANES = 16

/** One entry point compiled for rows that are whole vec4s and for all others. */
export interface ElementKernel {
  readonly label: string
  /** The version for rows of `cols` numbers, and how many numbers its element holds. */
  pick(cols: number): { readonly kernel: Kernel; readonly width: 1 | 4 }
}

/**
 * Compiles a shader written against `common/element.*.wgsl` in both widths. The width follows from the row's
 * length alone, so that a row's result does not depend on what else is computed beside it.
 * @throws {KernelError} when a shader does not compile.
 */
export async function compileElementKernel(gpu: Gpu, spec: KernelSpec): Promise<ElementKernel> {
  const compile = (path: string, source: string): Promise<Kernel> =>
    gpu.kernel({ ...spec, common: [{ path, source }, ...(spec.common ?? [])] })
  const [narrow, wide] = await Promise.all([
    compile('shaders/common/element.scalar.wgsl', scalar),
    compile('shaders/common/element.vec4.wgsl', vec4),
  ])
  return {
    label: spec.label,
    pick: (cols) => (cols % 4 === 0 ? { kernel: wide, width: 4 } : { kernel: narrow, width: 1 }),
  }
}

/** Options of kernels that also sum over rows. */
export interface ColumnOptions extends KernelOptions {
  /** Cut a column's rows into strips that are summed side by side; default: unless the adapter computes on the CPU. */
  strips?: boolean
}

/** The file with `column_total`, for `KernelSpec.common`. */
export function columnsFile(gpu: Gpu, options: ColumnOptions): ShaderFile {
  return (options.strips ?? !gpu.profile.isSoftware)
    ? { path: 'shaders/common/columns.strips.wgsl', source: columnsStrips }
    : { path: 'shaders/common/columns.serial.wgsl', source: columnsSerial }
}

/** Workgroups that sum all columns of a matrix with `common/columns.*.wgsl`. */
export function columnGroups(cols: number, width: 1 | 4): number {
  return Math.ceil(cols / width / COLUMN_LANES)
}

/** Rows a workgroup of `common/team.*.wgsl` takes, so that each of its teams has one: `override ROWS_PER_GROUP`. */
export function rowsPerGroup(gpu: Gpu, options: KernelOptions): number {
  const subgroups = options.subgroups ?? gpu.profile.features.subgroups
  return subgroups ? Math.max(1, Math.floor(64 / Math.max(4, gpu.profile.subgroupSize.max))) : 1
}

/** The file with `flat_first` and `flat_end`, for `KernelSpec.common`. */
export const flatFile: ShaderFile = { path: 'shaders/common/flat.wgsl', source: flat }

/** Workgroups that cover `size` numbers with `common/flat.wgsl`. */
export function flatGroups(size: number, width: 1 | 4): number {
  return Math.ceil(size / width / (FLAT_WORKGROUP * FLAT_PER_INVOCATION))
}

/** The file with `sigmoid`, for `KernelSpec.common`. */
export const sigmoidFile: ShaderFile = { path: 'shaders/common/sigmoid.wgsl', source: sigmoid }
