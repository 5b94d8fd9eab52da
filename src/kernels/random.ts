import source from '../../shaders/common/random.wgsl?raw'
import type { ShaderFile } from '../gpu/pipelines.ts'

/** The generator's WGSL, to be put in front of shaders that draw random numbers. */
export const randomShader: ShaderFile = { path: 'shaders/common/random.wgsl', source }
