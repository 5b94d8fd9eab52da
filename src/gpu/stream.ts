import { assertLent, BindGroupCache } from './bindings.ts'
import { ShapeError } from './errors.ts'
import { type Cost, type Grid, Pacer, splitGrid } from './pacer.ts'
import { checkParams, ParamsBlock, SLOTS } from './params.ts'
import type { CompiledKernel } from './pipelines.ts'
import { ReadbackPool } from './readback.ts'
import { ErrorScopes } from './scopes.ts'
import { SliceRecorder } from './slice.ts'
import type { HostArray, Tensor } from './tensor.ts'
import { TimestampRecorder, TimingTable } from './timings.ts'

interface StreamHooks {
  /** Throws when the device is lost or an earlier kernel failed. */
  assertAlive: () => void
  onError: (label: string, error: GPUError) => void
  /** Resolves once the loss of the device has been reported, if it ever is. */
  lost: () => Promise<void>
}

/** How long a failed read waits for the loss of the device to be reported as its cause. */
const LOSS_REPORT_MS = 1000

/**
 * Records kernels in order and submits them in slices of bounded duration, never waiting for the GPU.
 * Dispatches, copies and writes take effect in the order they were called.
 */
export class CommandStream {
  readonly timings = new TimingTable()
  readonly #device: GPUDevice
  readonly #hooks: StreamHooks
  readonly #scopes: ErrorScopes
  readonly #bindGroups: BindGroupCache
  readonly #readback: ReadbackPool
  readonly #params: ParamsBlock
  readonly #pacer = new Pacer()
  readonly #slice: SliceRecorder
  #timing = false
  #dispatches = 0
  #submits = 0

  constructor(device: GPUDevice, hooks: StreamHooks) {
    this.#device = device
    this.#hooks = hooks
    this.#scopes = new ErrorScopes(device, hooks.onError)
    this.#bindGroups = new BindGroupCache(device, this.#scopes)
    this.#readback = new ReadbackPool(device)
    this.#params = new ParamsBlock(device)
    this.#slice = new SliceRecorder(device)
  }

  /** Layout of group 1, the `Params` uniform every kernel has. */
  get paramsLayout(): GPUBindGroupLayout {
    return this.#params.layout
  }

  /** Dispatches and submits since the stream was made. */
  get counters(): { dispatches: number; submits: number } {
    return { dispatches: this.#dispatches, submits: this.#submits }
  }

  /**
   * Records one kernel over a grid of workgroups, in several dispatches where one would outlast a slice.
   * @throws {ShapeError} for a missing or unknown buffer or parameter, or a grid that is empty or not whole.
   */
  dispatch(
    kernel: CompiledKernel,
    tensors: Readonly<Record<string, Tensor>>,
    params: Readonly<Record<string, number>>,
    grid: Grid,
    cost: Cost,
  ): void {
    this.#hooks.assertAlive()
    if (!grid.every((n) => Number.isInteger(n) && n > 0)) {
      throw new ShapeError(`${kernel.label}: expected a grid of positive whole numbers, got (${grid})`)
    }
    checkParams(kernel, params)
    const buffers = this.#bindGroups.get(kernel, tensors)
    const work = this.#pacer.work(cost)
    const pieces = splitGrid(
      grid,
      Math.ceil(work / (1.5 * this.#pacer.budget)),
      this.#device.limits.maxComputeWorkgroupsPerDimension,
    )
    pieces.forEach(({ offset, count }, i) => {
      const calls = i === 0 ? 1 : 0
      if (this.#timesSubmits) this.flush() // what was recorded before is not this kernel's
      const paramsOffset = this.#params.write(kernel, params, offset)
      this.#slice.dispatch({
        kernel,
        buffers,
        params: this.#params.group,
        paramsOffset,
        count,
        calls,
        work: work / pieces.length,
      })
      this.#dispatches++
      if (this.#timesSubmits) this.#submit({ label: kernel.label, calls })
      else if (this.#params.isFull || this.#slice.work >= this.#pacer.budget) this.flush()
    })
  }

  /** Copies all elements of one tensor into another of the same size, in another buffer. */
  copy(from: Tensor, to: Tensor): void {
    this.#hooks.assertAlive()
    assertLent(from, 'copy')
    assertLent(to, 'copy')
    if (from.size !== to.size) {
      throw new ShapeError(
        `copy: expected ${to.label} with ${from.size} elements like ${from.label}, got ${to.size}`,
      )
    }
    if (from.buffer.id === to.buffer.id) {
      throw new ShapeError(`copy: expected tensors in different buffers, got both in ${from.label}`)
    }
    const label = `copy ${from.label} to ${to.label}`
    this.#recordTransfer(label, 2 * from.byteLength).copyBufferToBuffer(
      from.buffer.gpuBuffer,
      from.byteOffset,
      to.buffer.gpuBuffer,
      to.byteOffset,
      from.byteLength,
    )
  }

  /** Sets all bytes of a tensor to zero. */
  clear(tensor: Tensor): void {
    this.#hooks.assertAlive()
    assertLent(tensor, 'clear')
    this.#recordTransfer(`clear ${tensor.label}`, tensor.byteLength).clearBuffer(
      tensor.buffer.gpuBuffer,
      tensor.byteOffset,
      tensor.byteLength,
    )
  }

  /** Uploads host data, after everything recorded so far. @throws {ShapeError} when sizes differ. */
  write(tensor: Tensor, data: HostArray): void {
    this.#hooks.assertAlive()
    assertLent(tensor, 'write')
    if (data.length !== tensor.size) {
      throw new ShapeError(
        `${tensor.label}: expected ${tensor.size} elements (${tensor.shape}), got ${data.length}`,
      )
    }
    this.flush()
    this.#scopes.guard(
      () => `write ${tensor.label}`,
      () => this.#device.queue.writeBuffer(tensor.buffer.gpuBuffer, tensor.byteOffset, data),
    )
  }

  /** Reads a tensor back; resolves once everything recorded before it is done. */
  async read(tensor: Tensor): Promise<ArrayBuffer> {
    const [bytes] = await this.readAll([tensor])
    return bytes as ArrayBuffer
  }

  /** Reads tensors back in one go: one submit, one buffer to map and one wait for all of them. */
  async readAll(tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
    this.#hooks.assertAlive()
    for (const tensor of tensors) assertLent(tensor, 'read')
    const byteLength = tensors.reduce((total, tensor) => total + tensor.byteLength, 0)
    const label = `read ${tensors.map((tensor) => tensor.label).join(', ')}`
    const staging = this.#scopes.guard(
      () => label,
      () => this.#readback.take(byteLength),
    )
    const ends: number[] = []
    for (const tensor of tensors) {
      const start = ends.at(-1) ?? 0
      this.#recordTransfer(label, tensor.byteLength).copyBufferToBuffer(
        tensor.buffer.gpuBuffer,
        tensor.byteOffset,
        staging,
        start,
        tensor.byteLength,
      )
      ends.push(start + tensor.byteLength)
    }
    this.flush()
    await this.#settle(staging.mapAsync(0x01, 0, byteLength))
    const whole = staging.getMappedRange(0, byteLength)
    const parts = ends.map((end, i) => whole.slice(end - (tensors[i]?.byteLength ?? 0), end))
    staging.unmap()
    this.#readback.give(staging)
    return parts
  }

  /** Submits what is recorded, without waiting. */
  flush(): void {
    this.#submit()
  }

  /** Resolves once everything recorded so far is done. @throws when a kernel failed or the device was lost. */
  async idle(): Promise<void> {
    this.#hooks.assertAlive()
    this.flush()
    await this.#settle(this.#device.queue.onSubmittedWorkDone())
  }

  /** Calls back once nothing recorded so far can still be running. */
  whenUnused(callback: () => void): void {
    this.flush()
    this.#bindGroups.clear()
    this.#device.queue.onSubmittedWorkDone().then(callback, () => undefined)
  }

  /**
   * Switches per-kernel timing on or off. With `timestamp-query` each dispatch gets a pass of its own;
   * without it each gets a submit of its own and the figures hold the queue's latency too.
   */
  setTiming(enabled: boolean): void {
    this.flush()
    this.#timing = enabled
    this.#slice.timer?.destroy()
    this.#slice.timer =
      enabled && this.#device.features.has('timestamp-query')
        ? new TimestampRecorder(this.#device, this.timings, SLOTS)
        : undefined
  }

  /** @param timed the kernel whose time the whole submit's duration is. */
  #submit(timed?: { label: string; calls: number }): void {
    const slice = this.#slice.take()
    if (!slice) return
    const { encoder, labels, work } = slice
    const { queue } = this.#device
    const readTimestamps = this.#slice.timer?.resolve(encoder)
    this.#scopes.guard(
      () => [...new Set(labels)].join(', '),
      () => {
        this.#params.upload(queue)
        queue.submit([encoder.finish()])
      },
    )
    this.#submits++
    const submittedAt = performance.now()
    const done = queue.onSubmittedWorkDone().then(
      async () => {
        const durationMs = this.#pacer.observe(work, submittedAt, performance.now())
        if (timed) this.timings.add(timed.label, durationMs, timed.calls)
        await readTimestamps?.()
      },
      () => undefined, // the device was lost: reported by its own event
    )
    if (this.#timing) this.#scopes.track(done)
  }

  /** Without timestamps a kernel's time is that of a submit of its own. */
  get #timesSubmits(): boolean {
    return this.#timing && !this.#slice.timer
  }

  /** Waits for the GPU and for the verdict on all that was recorded; a failure is told by its cause. */
  async #settle(gpu: Promise<unknown>): Promise<void> {
    const verdict = this.#scopes.settled()
    try {
      await gpu
    } catch (error) {
      await Promise.race([
        this.#hooks.lost(),
        new Promise((resolve) => {
          setTimeout(resolve, LOSS_REPORT_MS)
        }),
      ])
      this.#hooks.assertAlive()
      throw error
    }
    await verdict
    this.#hooks.assertAlive()
  }

  /** The encoder for a copy outside any pass. */
  #recordTransfer(label: string, bytes: number): GPUCommandEncoder {
    return this.#slice.transfer(label, this.#pacer.work({ flops: 0, bytes }))
  }
}
