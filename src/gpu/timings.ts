/** Time one kernel took on the GPU since timing was switched on. */
export interface KernelTiming {
  calls: number
  totalMs: number
}

/** Sums of GPU time by kernel label. */
export class TimingTable {
  readonly #rows = new Map<string, KernelTiming>()

  /** @param calls 0 for the later pieces of a dispatch that was split. */
  add(label: string, durationMs: number, calls = 1): void {
    const row = this.#rows.get(label) ?? { calls: 0, totalMs: 0 }
    row.calls += calls
    row.totalMs += durationMs
    this.#rows.set(label, row)
  }

  clear(): void {
    this.#rows.clear()
  }

  /** Rows by label, the costliest first. */
  report(): ReadonlyMap<string, KernelTiming> {
    return new Map([...this.#rows].sort((a, b) => b[1].totalMs - a[1].totalMs))
  }
}

/** Timestamps of the dispatches of one slice: two queries a dispatch, resolved when the slice is submitted. */
export class TimestampRecorder {
  readonly #device: GPUDevice
  readonly #table: TimingTable
  readonly #querySet: GPUQuerySet
  readonly #resolved: GPUBuffer
  #passes: { label: string; calls: number }[] = []

  /** @param capacity dispatches a slice may hold. */
  constructor(device: GPUDevice, table: TimingTable, capacity: number) {
    this.#device = device
    this.#table = table
    this.#querySet = device.createQuerySet({ label: 'timings', type: 'timestamp', count: 2 * capacity })
    this.#resolved = device.createBuffer({ label: 'timings', size: 16 * capacity, usage: 0x200 | 0x04 }) // QUERY_RESOLVE | COPY_SRC
  }

  /** The descriptor of a pass that times one dispatch, or one piece of it. */
  pass(label: string, calls: number): GPUComputePassDescriptor {
    const first = 2 * this.#passes.length
    this.#passes.push({ label, calls })
    return {
      label,
      timestampWrites: {
        querySet: this.#querySet,
        beginningOfPassWriteIndex: first,
        endOfPassWriteIndex: first + 1,
      },
    }
  }

  /** Records the copy of this slice's timestamps; the returned function reads them once the slice is submitted. */
  resolve(encoder: GPUCommandEncoder): () => Promise<void> {
    const passes = this.#passes
    this.#passes = []
    if (passes.length === 0) return async () => undefined
    const byteLength = 16 * passes.length
    const staging = this.#device.createBuffer({ label: 'timings', size: byteLength, usage: 0x01 | 0x08 }) // MAP_READ | COPY_DST
    encoder.resolveQuerySet(this.#querySet, 0, 2 * passes.length, this.#resolved, 0)
    encoder.copyBufferToBuffer(this.#resolved, 0, staging, 0, byteLength)
    return async () => {
      try {
        await staging.mapAsync(0x01)
      } catch {
        return // the device was lost: reported by its own event
      }
      const stamps = new BigInt64Array(staging.getMappedRange())
      passes.forEach(({ label, calls }, i) => {
        const nanoseconds = Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))
        this.#table.add(label, Math.max(0, nanoseconds) / 1e6, calls)
      })
      staging.destroy()
    }
  }

  destroy(): void {
    this.#querySet.destroy()
    this.#resolved.destroy()
  }
}
