import source from '../../shaders/cast.wgsl?raw'
import type { Gpu } from '../gpu/gpu.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { expectShape } from './common.ts'
import { flatFile, flatGroups } from './element.ts'
import { halfFile } from './half.ts'

/** f32 to f16 and back; f16 lies two to a u32, the lower element in the low half. */
export interface Cast {
  /**
   * Rounds to the nearest f16, ties to even; past +-65504 it gives +-65504, and NaN is not kept.
   * The half word past an odd size is 0.
   */
  toF16(args: {
    x: Tensor // (...)
    packed: Tensor // (ceil(x.size / 2)), u32, assigned
  }): void
  /** Exact. */
  toF32(args: {
    packed: Tensor // (ceil(y.size / 2)), u32
    y: Tensor // (...), assigned
  }): void
}

/** Compiles the casts. @throws {KernelError} when a shader does not compile. */
export async function createCast(gpu: Gpu): Promise<Cast> {
  const shader = { path: 'shaders/cast.wgsl', source }
  const [pack, unpack] = await Promise.all([
    gpu.kernel({ label: 'cast.toF16', shader, entryPoint: 'pack', common: [flatFile, halfFile] }),
    gpu.kernel({ label: 'cast.toF32', shader, entryPoint: 'unpack', common: [flatFile, halfFile] }),
  ])
  return {
    toF16({ x, packed }) {
      const words = Math.ceil(x.size / 2)
      expectShape(pack.label, 'x', x, x.shape)
      expectShape(pack.label, 'packed', packed, [words], 'u32')
      pack.dispatch({ x, packed }, { size: x.size }, [flatGroups(words, 1), 1, 1], {
        flops: 8 * x.size,
        bytes: 1.5 * x.byteLength,
      })
    },
    toF32({ packed, y }) {
      const words = Math.ceil(y.size / 2)
      expectShape(unpack.label, 'y', y, y.shape)
      expectShape(unpack.label, 'packed', packed, [words], 'u32')
      unpack.dispatch({ words: packed, y }, { size: y.size }, [flatGroups(words, 1), 1, 1], {
        flops: y.size,
        bytes: 1.5 * y.byteLength,
      })
    },
  }
}
