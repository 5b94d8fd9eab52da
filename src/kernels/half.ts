import half from '../../shaders/common/half.wgsl?raw'
import type { ShaderFile } from '../gpu/pipelines.ts'

/** The file with `half_bits`, `half_magnitude` and `half_value`, for `KernelSpec.common`. */
export const halfFile: ShaderFile = { path: 'shaders/common/half.wgsl', source: half }
