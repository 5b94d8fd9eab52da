import { ShapeError } from './errors.ts'

/** A GPU buffer lent by the arena. */
export interface ArenaBuffer {
  readonly gpuBuffer: GPUBuffer
  /** Unique within the page; identifies the buffer in bind-group caches. */
  readonly id: number
  readonly label: string
  /** Bytes of the buffer, at least the bytes asked for. */
  readonly capacity: number
  /** True once given back: a tensor that still points here is stale. */
  isReleased: boolean
}

export interface ArenaStats {
  /** Bytes lent out now: whole buffers, also where less was asked for. */
  bytesInUse: number
  /** Bytes held on the device: lent out plus kept for reuse. What waits for pending work to be destroyed has left. */
  bytesReserved: number
  /** Largest `bytesReserved` since the arena was made or `resetPeak` was called. */
  peakBytes: number
}

/** STORAGE | COPY_DST | COPY_SRC, spelled out because `GPUBufferUsage` does not exist where there is no WebGPU. */
const USAGE = 0x80 | 0x08 | 0x04

/** A buffer may be lent for a request of at least this share of it. */
const LEAST_USE = 0.5

/**
 * Lends storage buffers and takes them back for reuse: a request gets the smallest free buffer that holds it, if it
 * uses at least half of it. Where none does, a free one that the request has outgrown is replaced by the new buffer
 * instead of being kept beside it. So work whose sizes vary from batch to batch settles at one set of buffers.
 * A returned buffer may be lent again at once: the queue runs submits in order, so an earlier reader is never overtaken.
 */
export class BufferArena {
  readonly #device: GPUDevice
  readonly #onError: (label: string, error: GPUError) => void
  /** Runs `destroy` once nothing recorded or submitted so far can still use the buffer. */
  readonly #whenUnused: (destroy: () => void) => void
  /** In the order they were returned. */
  #free: ArenaBuffer[] = []
  readonly #lent = new Set<ArenaBuffer>()
  #nextId = 1
  #bytesInUse = 0
  #bytesReserved = 0
  #peakBytes = 0

  constructor(
    device: GPUDevice,
    hooks: {
      onError: (label: string, error: GPUError) => void
      whenUnused: (destroy: () => void) => void
    },
  ) {
    this.#device = device
    this.#onError = hooks.onError
    this.#whenUnused = hooks.whenUnused
  }

  /**
   * A storage buffer of at least `byteLength` bytes; its contents are undefined.
   * @throws {ShapeError} when the device cannot bind a buffer that large.
   */
  acquire(byteLength: number, label: string): ArenaBuffer {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize)
    if (!Number.isSafeInteger(byteLength) || byteLength < 0 || byteLength > limit) {
      throw new ShapeError(
        `${label}: expected 0 to ${limit} bytes (this device's largest storage buffer), got ${byteLength}; ` +
          'split the tensor, or store it in a narrower type',
      )
    }
    const capacity = Math.max(byteLength, Math.min(bucketOf(byteLength), Math.floor(limit / 256) * 256))
    const kept = this.#takeFree(capacity, capacity / LEAST_USE, (a, b) => a.capacity - b.capacity)
    const buffer = kept ? { ...kept, label, isReleased: false } : this.#create(capacity, label)
    this.#lent.add(buffer)
    this.#bytesInUse += buffer.capacity
    return buffer
  }

  /** Takes a buffer back. @throws {Error} when it is not lent out. */
  release(buffer: ArenaBuffer): void {
    if (!this.#lent.delete(buffer)) throw new Error(`${buffer.label}: released twice, or not this arena's`)
    buffer.isReleased = true
    this.#bytesInUse -= buffer.capacity
    this.#free.push(buffer)
  }

  /** Gives the memory of all buffers that are not lent out back to the device. */
  trim(): void {
    this.#destroy(this.#free)
    this.#free = []
  }

  get stats(): ArenaStats {
    return { bytesInUse: this.#bytesInUse, bytesReserved: this.#bytesReserved, peakBytes: this.#peakBytes }
  }

  resetPeak(): void {
    this.#peakBytes = this.#bytesReserved
  }

  /** Takes the first free buffer by `order` with a capacity from `least` to `most`; of equals, the last returned. */
  #takeFree(
    least: number,
    most: number,
    order: (a: ArenaBuffer, b: ArenaBuffer) => number,
  ): ArenaBuffer | undefined {
    let best = -1
    this.#free.forEach((buffer, i) => {
      if (buffer.capacity < least || buffer.capacity > most) return
      const first = this.#free[best]
      if (!first || order(buffer, first) <= 0) best = i
    })
    return best < 0 ? undefined : this.#free.splice(best, 1)[0]
  }

  #create(capacity: number, label: string): ArenaBuffer {
    const outgrown = this.#takeFree(LEAST_USE * capacity, capacity, (a, b) => b.capacity - a.capacity)
    if (outgrown) this.#destroy([outgrown])
    this.#device.pushErrorScope('out-of-memory')
    this.#device.pushErrorScope('validation')
    const gpuBuffer = this.#device.createBuffer({ label, size: capacity, usage: USAGE })
    for (let scope = 0; scope < 2; scope++) {
      this.#device.popErrorScope().then(
        (error) => error && this.#onError(`${label} (${capacity} bytes)`, error),
        () => undefined, // the device was lost: reported by its own event
      )
    }
    this.#bytesReserved += capacity
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytesReserved)
    return { gpuBuffer, id: this.#nextId++, label, capacity, isReleased: false }
  }

  #destroy(buffers: readonly ArenaBuffer[]): void {
    for (const buffer of buffers) this.#bytesReserved -= buffer.capacity
    this.#whenUnused(() => {
      for (const buffer of buffers) buffer.gpuBuffer.destroy()
    })
  }
}

/** Rounds up to a size class: 256-byte steps while small, then 1/16 of an octave, so that at most 6% is wasted. */
export function bucketOf(byteLength: number): number {
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(Math.max(byteLength, 1))) - 4))
  return Math.max(256, Math.ceil(byteLength / step) * step)
}
