import type { TensorEntry } from '../../data/safetensors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { Tensor } from '../../gpu/tensor.ts'
import { createQuantize, type Quantize, type SourceFormat } from '../../kernels/quantize.ts'
import { allocateWeight, releaseWeight, type Weight, type WeightFormat } from '../../kernels/weight.ts'
import { CheckpointError } from './tensor-names.ts'

/** Most bytes of a tensor on their way to the GPU at once. */
export const SLICE_BYTES = 32 * 2 ** 20

/** Rows of a matrix converted at once: an even number, so that a slice of 16-bit numbers is whole words. */
export function sliceRows(rowBytes: number): number {
  return Math.max(2, 2 * Math.floor(SLICE_BYTES / rowBytes / 2))
}

const SOURCES: Readonly<Record<string, { format: SourceFormat; bytesPerElement: number }>> = {
  F32: { format: 'f32', bytesPerElement: 4 },
  F16: { format: 'f16', bytesPerElement: 2 },
  BF16: { format: 'bf16', bytesPerElement: 2 },
}

/** Puts a checkpoint's matrices on the GPU in one format, converted there slice by slice. */
export class WeightLoader {
  readonly format: WeightFormat
  readonly #gpu: Gpu
  readonly #quantize: Readonly<Record<SourceFormat, Quantize>>
  /** What slices are uploaded to, one after another. */
  #staging: Tensor | undefined

  private constructor(gpu: Gpu, format: WeightFormat, quantize: Record<SourceFormat, Quantize>) {
    this.#gpu = gpu
    this.format = format
    this.#quantize = quantize
  }

  /** Compiles the conversions into a format. @throws {KernelError} when a shader does not compile. */
  static async create(gpu: Gpu, format: WeightFormat): Promise<WeightLoader> {
    const [f32, f16, bf16] = await Promise.all([
      createQuantize(gpu, { format, source: 'f32' }),
      createQuantize(gpu, { format, source: 'f16' }),
      createQuantize(gpu, { format, source: 'bf16' }),
    ])
    return new WeightLoader(gpu, format, { f32, f16, bf16 })
  }

  /**
   * Reads one matrix, so that neither host nor GPU holds more of it beside the weight than one slice; where that fails or is
   * cancelled, nothing of it stays on the GPU.
   * @throws {CheckpointError} unless the tensor is a matrix in F32, F16 or BF16.
   */
  async load(entry: TensorEntry, signal?: AbortSignal): Promise<Weight> {
    const [rows, cols] = entry.shape
    const source = SOURCES[entry.dtype]
    if (!source)
      throw new CheckpointError(`${entry.name}: expected weights in F32, F16 or BF16, got ${entry.dtype}`)
    if (rows === undefined || cols === undefined || entry.shape.length !== 2) {
      throw new CheckpointError(`${entry.name}: expected a matrix, got shape (${entry.shape.join(', ')})`)
    }
    const weight = allocateWeight(this.#gpu, this.format, rows, cols, entry.name)
    try {
      await this.#fill(weight, entry, source, signal)
    } catch (error) {
      releaseWeight(this.#gpu, weight)
      throw error
    }
    return weight
  }

  async #fill(
    weight: Weight,
    entry: TensorEntry,
    { format, bytesPerElement }: { format: SourceFormat; bytesPerElement: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const [rows, cols] = weight.shape
    const rowBytes = cols * bytesPerElement
    const most = sliceRows(rowBytes)
    for (let firstRow = 0; firstRow < rows; firstRow += most) {
      const count = Math.min(most, rows - firstRow)
      const start = entry.start + firstRow * rowBytes
      const bytes = await entry.source.read(start, start + count * rowBytes, signal)
      const words = new Uint32Array(Math.ceil(bytes.length / 4))
      new Uint8Array(words.buffer).set(bytes)
      const staging = this.#stage(words.length)
      this.#gpu.stream.write(staging.prefix([words.length]), words)
      const slice =
        format === 'f32' ? new Tensor(staging.buffer, [count, cols], 'f32') : staging.prefix([words.length])
      this.#quantize[format].quantize({ source: slice, weight, firstRow, rows: count })
    }
  }

  /** Gives the memory for slices back to the device; loading on makes it anew. */
  release(): void {
    if (this.#staging) this.#gpu.release(this.#staging)
    this.#staging = undefined
    this.#gpu.arena.trim()
  }

  #stage(words: number): Tensor {
    if (!this.#staging || this.#staging.size < words) {
      this.release()
      this.#staging = this.#gpu.tensor([words], 'weights.slice', 'u32')
    }
    return this.#staging
  }
}
