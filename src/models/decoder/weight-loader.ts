import type { Gpu } from '../../gpu/gpu.ts'
import { uploadWeight, type Weight, type WeightFormat } from '../../kernels/weight.ts'

/** Puts matrices on the GPU in one format. */
export interface WeightLoader {
  readonly format: WeightFormat
  upload(values: Float32Array<ArrayBuffer>, shape: readonly [number, number], label: string): Weight
}

/** Compiles what storing weights in a format takes. @throws {KernelError} when a shader does not compile. */
export async function createWeightLoader(gpu: Gpu, format: WeightFormat): Promise<WeightLoader> {
  return { format, upload: (values, shape, label) => uploadWeight(gpu, values, shape, label) }
}
