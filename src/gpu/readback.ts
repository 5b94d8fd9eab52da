import { bucketOf } from './arena.ts'

/** Larger ones are destroyed after use: a model is read back once, losses at every step. */
const LARGEST_KEPT_BYTES = 16 * 2 ** 20

/** Mappable buffers that results are copied to, kept for reuse while small. */
export class ReadbackPool {
  readonly #device: GPUDevice
  readonly #free = new Map<number, GPUBuffer[]>()

  constructor(device: GPUDevice) {
    this.#device = device
  }

  take(byteLength: number): GPUBuffer {
    const size = byteLength > LARGEST_KEPT_BYTES ? byteLength : bucketOf(byteLength)
    return (
      this.#free.get(size)?.pop() ??
      this.#device.createBuffer({ label: 'readback', size, usage: 0x01 | 0x08 }) // MAP_READ | COPY_DST
    )
  }

  /** Takes back a buffer that is not mapped any more. */
  give(buffer: GPUBuffer): void {
    if (buffer.size > LARGEST_KEPT_BYTES) {
      buffer.destroy()
      return
    }
    const kept = this.#free.get(buffer.size)
    if (kept) kept.push(buffer)
    else this.#free.set(buffer.size, [buffer])
  }
}
