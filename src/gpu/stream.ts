import { ShapeError } from './errors.ts'
import { type Cost, type Grid, Pacer, splitGrid } from './pacer.ts'
import type { CompiledKernel } from './pipelines.ts'
import type { HostArray, Tensor } from './tensor.ts'
import { TimestampRecorder, TimingTable } from './timings.ts'
import { PARAMS_STRIDE } from './wgsl.ts'

/** Dispatches one submit may hold: the `Params` of a slice are written with one `writeBuffer`. */
const SLOTS = 512
const MAX_BIND_GROUPS = 20_000

interface StreamHooks {
  /** Throws when the device is lost or an earlier kernel failed. */
  assertAlive: () => void
  onError: (label: string, error: GPUError) => void
}

/**
 * Records kernels in order and submits them in slices of bounded duration, never waiting for the GPU.
 * Dispatches, copies and writes take effect in the order they were called.
 */
export class CommandStream {
  readonly paramsLayout: GPUBindGroupLayout
  readonly timings = new TimingTable()
  readonly #device: GPUDevice
  readonly #hooks: StreamHooks
  readonly #pacer = new Pacer()
  readonly #paramsBuffer: GPUBuffer
  readonly #paramsGroup: GPUBindGroup
  readonly #paramsBytes = new ArrayBuffer(SLOTS * PARAMS_STRIDE)
  readonly #paramsView = new DataView(this.#paramsBytes)
  readonly #bindGroups = new Map<string, GPUBindGroup>()
  readonly #staging = new Map<number, GPUBuffer[]>()
  readonly #pendingScopes = new Set<Promise<unknown>>()
  #encoder: GPUCommandEncoder | undefined
  #pass: GPUComputePassEncoder | undefined
  #boundKernel: CompiledKernel | undefined
  #slot = 0
  #work = 0
  #labels: string[] = []
  #timer: TimestampRecorder | undefined
  #timing = false
  #dispatches = 0
  #submits = 0

  constructor(device: GPUDevice, hooks: StreamHooks) {
    this.#device = device
    this.#hooks = hooks
    this.paramsLayout = device.createBindGroupLayout({
      label: 'params',
      entries: [{ binding: 0, visibility: 4, buffer: { type: 'uniform', hasDynamicOffset: true } }],
    })
    this.#paramsBuffer = device.createBuffer({
      label: 'params',
      size: this.#paramsBytes.byteLength,
      usage: 0x40 | 0x08,
    }) // UNIFORM | COPY_DST
    this.#paramsGroup = device.createBindGroup({
      label: 'params',
      layout: this.paramsLayout,
      entries: [{ binding: 0, resource: { buffer: this.#paramsBuffer, size: PARAMS_STRIDE } }],
    })
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
    const group = this.#bindGroup(kernel, tensors)
    const work = this.#pacer.work(cost)
    const pieces = splitGrid(
      grid,
      Math.ceil(work / (1.5 * this.#pacer.budget)),
      this.#device.limits.maxComputeWorkgroupsPerDimension,
    )
    for (const piece of pieces) {
      const offset = this.#writeParams(kernel, params, piece.offset)
      const pass = this.#openPass(kernel.label)
      if (this.#boundKernel !== kernel) {
        pass.setPipeline(kernel.pipeline)
        this.#boundKernel = kernel
      }
      pass.setBindGroup(0, group)
      pass.setBindGroup(1, this.#paramsGroup, [offset])
      pass.dispatchWorkgroups(...piece.count)
      this.#labels.push(kernel.label)
      this.#dispatches++
      this.#work += work / pieces.length
      if (this.#timing && (!this.#timer || this.#timer.isFull)) this.flush()
      else if (this.#timer) this.#closePass()
      if (this.#slot === SLOTS || this.#work >= this.#pacer.budget) this.flush()
    }
  }

  /** Copies all elements of one tensor into another of the same size. */
  copy(from: Tensor, to: Tensor): void {
    this.#hooks.assertAlive()
    if (from.size !== to.size) {
      throw new ShapeError(
        `copy: expected ${to.label} with ${from.size} elements like ${from.label}, got ${to.size}`,
      )
    }
    this.#openEncoder().copyBufferToBuffer(
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
    this.#openEncoder().clearBuffer(tensor.buffer.gpuBuffer, tensor.byteOffset, tensor.byteLength)
  }

  /** Uploads host data, after everything recorded so far. @throws {ShapeError} when sizes differ. */
  write(tensor: Tensor, data: HostArray): void {
    this.#hooks.assertAlive()
    if (data.length !== tensor.size) {
      throw new ShapeError(
        `${tensor.label}: expected ${tensor.size} elements (${tensor.shape}), got ${data.length}`,
      )
    }
    this.flush()
    this.#device.queue.writeBuffer(tensor.buffer.gpuBuffer, tensor.byteOffset, data)
  }

  /** Reads a tensor back; resolves once everything recorded before it is done. */
  async read(tensor: Tensor): Promise<ArrayBuffer> {
    this.#hooks.assertAlive()
    const { byteLength } = tensor
    const capacity = Math.max(256, 2 ** Math.ceil(Math.log2(byteLength)))
    const staging =
      this.#staging.get(capacity)?.pop() ??
      this.#device.createBuffer({ label: 'readback', size: capacity, usage: 0x01 | 0x08 }) // MAP_READ | COPY_DST
    this.#openEncoder().copyBufferToBuffer(tensor.buffer.gpuBuffer, tensor.byteOffset, staging, 0, byteLength)
    this.flush()
    const scopes = [...this.#pendingScopes]
    try {
      await staging.mapAsync(0x01, 0, byteLength)
    } catch (error) {
      await Promise.all(scopes)
      this.#hooks.assertAlive()
      throw error
    }
    await Promise.all(scopes)
    const bytes = staging.getMappedRange(0, byteLength).slice(0)
    staging.unmap()
    const kept = this.#staging.get(capacity)
    if (kept) kept.push(staging)
    else this.#staging.set(capacity, [staging])
    this.#hooks.assertAlive()
    return bytes
  }

  /** Submits what is recorded, without waiting. */
  flush(): void {
    this.#closePass()
    const encoder = this.#encoder
    if (!encoder) return
    const { queue } = this.#device
    const labels = [...new Set(this.#labels)].join(', ')
    const work = this.#work
    const readTimestamps = this.#timer?.resolve(encoder)
    this.#device.pushErrorScope('out-of-memory')
    this.#device.pushErrorScope('validation')
    if (this.#slot > 0)
      queue.writeBuffer(this.#paramsBuffer, 0, this.#paramsBytes, 0, this.#slot * PARAMS_STRIDE)
    queue.submit([encoder.finish()])
    this.#watchScope(labels)
    this.#watchScope(labels)
    this.#submits++
    this.#encoder = undefined
    this.#slot = 0
    this.#work = 0
    this.#labels = []
    const submittedAt = performance.now()
    const done = queue.onSubmittedWorkDone().then(
      async () => {
        const doneAt = performance.now()
        if (work > 0) this.#pacer.observe(work, submittedAt, doneAt)
        if (readTimestamps) await readTimestamps()
        else if (this.#timing && labels) this.timings.add(labels, doneAt - submittedAt)
      },
      () => undefined, // the device was lost: reported by its own event
    )
    if (this.#timing) this.#track(done)
  }

  /** Resolves once everything recorded so far is done. @throws when a kernel failed or the device was lost. */
  async idle(): Promise<void> {
    this.#hooks.assertAlive()
    this.flush()
    const scopes = [...this.#pendingScopes]
    await this.#device.queue.onSubmittedWorkDone()
    await Promise.all(scopes)
    this.#hooks.assertAlive()
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
    this.#timer?.destroy()
    this.#timer =
      enabled && this.#device.features.has('timestamp-query')
        ? new TimestampRecorder(this.#device, this.timings, SLOTS)
        : undefined
  }

  #openEncoder(): GPUCommandEncoder {
    this.#closePass()
    this.#encoder ??= this.#device.createCommandEncoder({ label: 'slice' })
    return this.#encoder
  }

  #openPass(label: string): GPUComputePassEncoder {
    if (!this.#pass) {
      const encoder = this.#openEncoder()
      this.#pass = encoder.beginComputePass(this.#timer?.pass(label) ?? { label: 'slice' })
    }
    return this.#pass
  }

  #closePass(): void {
    this.#pass?.end()
    this.#pass = undefined
    this.#boundKernel = undefined
  }

  #writeParams(kernel: CompiledKernel, params: Readonly<Record<string, number>>, offset: Grid): number {
    const base = this.#slot++ * PARAMS_STRIDE
    for (let axis = 0; axis < 3; axis++)
      this.#paramsView.setUint32(base + 4 * axis, offset[axis as 0 | 1 | 2], true)
    let expected = 0
    for (const field of kernel.params) {
      const value = params[field.name]
      if (value === undefined || Number.isNaN(value)) {
        throw new ShapeError(`${kernel.label}: expected parameter ${field.name}: ${field.type}, got ${value}`)
      }
      if (field.type === 'f32') this.#paramsView.setFloat32(base + field.offset, value, true)
      else if (field.type === 'i32') this.#paramsView.setInt32(base + field.offset, value, true)
      else this.#paramsView.setUint32(base + field.offset, value, true)
      expected++
    }
    if (Object.keys(params).length !== expected) {
      const known = kernel.params.map((f) => f.name)
      throw new ShapeError(
        `${kernel.label}: expected parameters ${known.join(', ')}; got ${Object.keys(params).join(', ')}`,
      )
    }
    return base
  }

  #bindGroup(kernel: CompiledKernel, tensors: Readonly<Record<string, Tensor>>): GPUBindGroup {
    let key = `${kernel.id}`
    for (const { name } of kernel.bindings) {
      const tensor = tensors[name]
      if (!tensor) throw new ShapeError(`${kernel.label}: expected buffer ${name}, got none`)
      key += `/${tensor.buffer.id}+${tensor.byteOffset}:${tensor.byteLength}`
    }
    if (Object.keys(tensors).length !== kernel.bindings.length) {
      const known = kernel.bindings.map((b) => b.name)
      throw new ShapeError(
        `${kernel.label}: expected buffers ${known.join(', ')}; got ${Object.keys(tensors).join(', ')}`,
      )
    }
    const cached = this.#bindGroups.get(key)
    if (cached) return cached
    refuseAliases(kernel, tensors)
    this.#device.pushErrorScope('validation')
    const group = this.#device.createBindGroup({
      label: kernel.label,
      layout: kernel.bindGroupLayout,
      entries: kernel.bindings.map(({ name, binding }) => ({
        binding,
        resource: resourceOf(tensors[name] as Tensor),
      })),
    })
    this.#watchScope(kernel.label)
    if (this.#bindGroups.size >= MAX_BIND_GROUPS) this.#bindGroups.clear()
    this.#bindGroups.set(key, group)
    return group
  }

  #watchScope(label: string): void {
    this.#track(
      this.#device.popErrorScope().then(
        (error) => {
          if (error) this.#hooks.onError(label, error)
        },
        () => undefined, // the device was lost: reported by its own event
      ),
    )
  }

  #track(promise: Promise<unknown>): void {
    this.#pendingScopes.add(promise)
    promise.then(
      () => this.#pendingScopes.delete(promise),
      () => this.#pendingScopes.delete(promise),
    )
  }
}

/** The bytes a tensor's binding covers: rounded up to a vec4, which its buffer always has room for. */
function resourceOf(tensor: Tensor): GPUBufferBinding {
  const size = Math.min(
    Math.max(16, Math.ceil(tensor.byteLength / 16) * 16),
    tensor.buffer.capacity - tensor.byteOffset,
  )
  return { buffer: tensor.buffer.gpuBuffer, offset: tensor.byteOffset, size }
}

/** WebGPU forbids a buffer that is written to be bound a second time in the same dispatch. */
function refuseAliases(kernel: CompiledKernel, tensors: Readonly<Record<string, Tensor>>): void {
  for (const written of kernel.bindings) {
    if (written.access !== 'read_write') continue
    for (const other of kernel.bindings) {
      if (
        other.name !== written.name &&
        tensors[other.name]?.buffer.id === tensors[written.name]?.buffer.id
      ) {
        throw new ShapeError(
          `${kernel.label}: expected ${written.name} and ${other.name} in different buffers, got both in ${tensors[written.name]?.label}`,
        )
      }
    }
  }
}
