import quadSingle from '../../shaders/common/quad.single.wgsl?raw'
import quadSubgroup from '../../shaders/common/quad.subgroup.wgsl?raw'
import teamSubgroup from '../../shaders/common/team.subgroup.wgsl?raw'
import teamWorkgroup from '../../shaders/common/team.workgroup.wgsl?raw'
import { ShapeError } from '../gpu/errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { KernelSpec } from '../gpu/pipelines.ts'
import type { DType, Tensor } from '../gpu/tensor.ts'

/** Options every kernel factory takes. */
export interface KernelOptions {
  /** Use the subgroup version; default: whatever the device has. */
  subgroups?: boolean
}

/** The part of a kernel's spec that gives its shader the `team_*` functions, by subgroup or by workgroup. */
export function teamSpec(gpu: Gpu, options: KernelOptions): Pick<KernelSpec, 'common' | 'enable'> {
  return (options.subgroups ?? gpu.profile.features.subgroups)
    ? { common: [{ path: 'shaders/common/team.subgroup.wgsl', source: teamSubgroup }], enable: ['subgroups'] }
    : { common: [{ path: 'shaders/common/team.workgroup.wgsl', source: teamWorkgroup }] }
}

/** The part of a kernel's spec that gives its shader the `quad_*` functions: four invocations sharing loads, or each alone. */
export function quadSpec(gpu: Gpu, options: KernelOptions): Pick<KernelSpec, 'common' | 'enable'> {
  return (options.subgroups ?? gpu.profile.features.subgroups)
    ? { common: [{ path: 'shaders/common/quad.subgroup.wgsl', source: quadSubgroup }], enable: ['subgroups'] }
    : { common: [{ path: 'shaders/common/quad.single.wgsl', source: quadSingle }] }
}

/** @throws {ShapeError} `kernel: expected name (a, b), got (c, d)` unless shape and element type are as expected. */
export function expectShape(
  kernel: string,
  name: string,
  tensor: Tensor,
  shape: readonly number[],
  dtype: DType = 'f32',
): void {
  const same = tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i])
  if (!same)
    throw new ShapeError(
      `${kernel}: expected ${name} (${shape.join(', ')}), got (${tensor.shape.join(', ')})`,
    )
  if (tensor.dtype !== dtype)
    throw new ShapeError(`${kernel}: expected ${name} of ${dtype}, got ${tensor.dtype}`)
}

/** A tensor's shape as (rows, cols). @throws {ShapeError} unless it has two axes of f32. */
export function expectMatrix(
  kernel: string,
  name: string,
  tensor: Tensor,
): readonly [rows: number, cols: number] {
  const [rows, cols] = tensor.shape
  if (tensor.shape.length !== 2 || rows === undefined || cols === undefined) {
    throw new ShapeError(`${kernel}: expected ${name} (rows, cols), got (${tensor.shape.join(', ')})`)
  }
  expectShape(kernel, name, tensor, [rows, cols])
  return [rows, cols]
}
