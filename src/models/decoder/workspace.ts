import { ShapeError } from '../../gpu/errors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { type DType, sizeOf, type Tensor } from '../../gpu/tensor.ts'

/** Rows a batch has, or the most it may have. */
export interface BatchRows {
  /** Rows of tokens (T). */
  tokens: number
  /** Answer tokens (N). */
  answers: number
  /** Sequences (S). */
  sequences: number
  /** Rows of image features (F); at least 1, so that every buffer exists. */
  features: number
}

/** A tensor's shape as a function of the batch's rows, growing with each of them. */
export type ShapeOf = (rows: BatchRows) => readonly number[]

/**
 * Named tensors for one batch after another. Each buffer is made once, at its first use, for the largest batch; a view has
 * the size of the batch at hand. So steps allocate nothing, and two names never share memory.
 */
export class Workspace {
  readonly capacity: BatchRows
  /** Keep each layer's input only, and compute the layer again in the backward pass. */
  readonly recompute: boolean
  readonly #gpu: Gpu
  readonly #buffers = new Map<string, Tensor>()
  #rows: BatchRows

  constructor(gpu: Gpu, capacity: BatchRows, recompute = false) {
    this.#gpu = gpu
    this.capacity = capacity
    this.recompute = recompute
    this.#rows = capacity
  }

  /** Sets the rows that views have from here on. @throws {ShapeError} when the batch is larger than the workspace. */
  begin(rows: BatchRows): void {
    for (const key of Object.keys(rows) as (keyof BatchRows)[]) {
      if (rows[key] > this.capacity[key]) {
        throw new ShapeError(
          `workspace: expected at most ${this.capacity[key]} ${key} in a batch, got ${rows[key]}`,
        )
      }
    }
    this.#rows = rows
  }

  get rows(): BatchRows {
    return this.#rows
  }

  /** The tensor of this name for the batch at hand; its contents are those of its last use. */
  view(name: string, shape: ShapeOf, dtype: DType = 'f32'): Tensor {
    let buffer = this.#buffers.get(name)
    if (!buffer) {
      buffer = this.#gpu.tensor([sizeOf(shape(this.capacity))], name, dtype)
      this.#buffers.set(name, buffer)
    }
    return buffer.prefix(shape(this.#rows))
  }

  /** Bytes of all buffers made so far. */
  get byteLength(): number {
    return [...this.#buffers.values()].reduce((total, { byteLength }) => total + byteLength, 0)
  }

  release(): void {
    this.#gpu.release(...this.#buffers.values())
    this.#buffers.clear()
  }
}
