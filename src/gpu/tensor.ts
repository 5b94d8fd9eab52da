import type { ArenaBuffer } from './arena.ts'
import { ShapeError } from './errors.ts'

/** Element types a tensor can have; each takes 4 bytes. Narrower numbers are packed into `u32` (see `kernels/weight.ts`). */
export type DType = 'f32' | 'u32' | 'i32'

export type HostArray = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>

/** An n-dimensional array on the GPU: row-major, contiguous, 4 bytes an element. It does not own its buffer. */
export class Tensor {
  readonly buffer: ArenaBuffer
  readonly shape: readonly number[]
  readonly dtype: DType
  /** First byte within the buffer, a multiple of 256. */
  readonly byteOffset: number
  readonly size: number

  constructor(buffer: ArenaBuffer, shape: readonly number[], dtype: DType = 'f32', byteOffset = 0) {
    this.buffer = buffer
    this.shape = shape
    this.dtype = dtype
    this.byteOffset = byteOffset
    this.size = sizeOf(shape)
    if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      throw new ShapeError(`${buffer.label}: expected a shape of whole numbers, got (${shape})`)
    }
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset % 256 !== 0) {
      throw new ShapeError(
        `${buffer.label}: expected a view to start at a multiple of 256 bytes, got ${byteOffset}`,
      )
    }
    if (byteOffset + this.byteLength > buffer.capacity) {
      throw new ShapeError(
        `${buffer.label}: expected a view within ${buffer.capacity} bytes, got ${this.byteLength} bytes from ${byteOffset}`,
      )
    }
  }

  get byteLength(): number {
    return this.size * 4
  }

  get label(): string {
    return this.buffer.label
  }

  /** The same elements under another shape. @throws {ShapeError} when the sizes differ. */
  reshape(shape: readonly number[]): Tensor {
    if (sizeOf(shape) !== this.size) {
      throw new ShapeError(
        `${this.label}: cannot reshape (${this.shape}) to (${shape}): ${this.size} elements, not ${sizeOf(shape)}`,
      )
    }
    return new Tensor(this.buffer, shape, this.dtype, this.byteOffset)
  }

  /** The first elements as a smaller tensor: a buffer sized for the longest batch serves shorter ones. */
  prefix(shape: readonly number[]): Tensor {
    if (sizeOf(shape) > this.size) {
      throw new ShapeError(
        `${this.label}: expected at most ${this.size} elements, got (${shape}) with ${sizeOf(shape)}`,
      )
    }
    return new Tensor(this.buffer, shape, this.dtype, this.byteOffset)
  }

  /** Rows `start .. start + count` of the first axis. @throws {ShapeError} outside the tensor, or unless the start falls on 256 bytes. */
  rows(start: number, count: number): Tensor {
    const [rows = 0, ...rest] = this.shape
    if (!(start >= 0 && count >= 0 && start + count <= rows)) {
      throw new ShapeError(
        `${this.label}: expected rows within 0..${rows}, got ${count} from ${start} of (${this.shape})`,
      )
    }
    const rowByteLength = sizeOf(rest) * 4
    return new Tensor(this.buffer, [count, ...rest], this.dtype, this.byteOffset + start * rowByteLength)
  }
}

/** Elements of a shape; 1 for a scalar's empty shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}
