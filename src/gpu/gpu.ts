import { BufferArena } from './arena.ts'
import { type DeviceOptions, type DeviceProfile, openDevice } from './device.ts'
import { DeviceLostError, KernelError, ShapeError } from './errors.ts'
import type { Cost, Grid } from './pacer.ts'
import { type KernelSpec, PipelineCache } from './pipelines.ts'
import { CommandStream } from './stream.ts'
import { type DType, type HostArray, sizeOf, Tensor } from './tensor.ts'

/** A compiled entry point ready to be recorded. */
export interface Kernel {
  readonly label: string
  /** Records one run; buffers and parameters go by the names they have in the shader. */
  dispatch(
    tensors: Readonly<Record<string, Tensor>>,
    params: Readonly<Record<string, number>>,
    grid: Grid,
    cost: Cost,
  ): void
}

/** Told when the device is gone; nothing of this `Gpu` can be used afterwards. */
export class DeviceLostEvent extends Event {
  readonly error: DeviceLostError

  constructor(error: DeviceLostError) {
    super('lost')
    this.error = error
  }
}

/**
 * One WebGPU device with everything kernels need: buffers, pipelines, a command stream and timings.
 * Emits `lost` (a `DeviceLostEvent`) once, when the device is lost or closed.
 */
export class Gpu extends EventTarget {
  readonly profile: DeviceProfile
  readonly limits: GPUSupportedLimits
  readonly arena: BufferArena
  readonly stream: CommandStream
  /** For other libraries that compute on the same device. */
  readonly device: GPUDevice
  readonly #pipelines: PipelineCache
  /** Resolves after `lost` was emitted. */
  readonly #lost: Promise<void>
  #failure: Error | undefined

  private constructor(device: GPUDevice, profile: DeviceProfile) {
    super()
    this.device = device
    this.profile = profile
    this.limits = device.limits
    const onError = (label: string, error: GPUError): void => this.#fail(kernelError(label, error))
    this.stream = new CommandStream(device, {
      assertAlive: () => this.assertAlive(),
      onError,
      lost: () => this.#lost,
    })
    this.arena = new BufferArena(device, {
      onError,
      whenUnused: (destroy) => this.stream.whenUnused(destroy),
    })
    this.#pipelines = new PipelineCache(device, this.stream.paramsLayout)
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault()
      this.#fail(kernelError('a kernel', event.error))
    })
    this.#lost = device.lost.then((info) => {
      const error = lostError(info.message || info.reason || 'no reason given')
      this.#failure = error
      this.dispatchEvent(new DeviceLostEvent(error))
    })
  }

  /** @throws {GpuUnavailableError} when there is no WebGPU or no adapter. */
  static async open(options: DeviceOptions = {}): Promise<Gpu> {
    const { device, profile } = await openDevice(options)
    return new Gpu(device, profile)
  }

  /** Compiles an entry point, or finds it compiled. @throws {KernelError} with file and line. */
  async kernel(spec: KernelSpec): Promise<Kernel> {
    this.assertAlive()
    const compiled = await this.#pipelines.get(spec)
    return {
      label: compiled.label,
      dispatch: (tensors, params, grid, cost) => this.stream.dispatch(compiled, tensors, params, grid, cost),
    }
  }

  /** A tensor with undefined contents, to be given back with `release`. */
  tensor(shape: readonly number[], label: string, dtype: DType = 'f32'): Tensor {
    this.assertAlive()
    return new Tensor(this.arena.acquire(4 * sizeOf(shape), label), shape, dtype)
  }

  /** A tensor filled from the host; its element type follows the array's. @throws {ShapeError} when sizes differ. */
  upload(data: HostArray, shape: readonly number[], label: string): Tensor {
    const dtype = data instanceof Float32Array ? 'f32' : data instanceof Uint32Array ? 'u32' : 'i32'
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(`${label}: expected ${sizeOf(shape)} elements (${shape}), got ${data.length}`)
    }
    const tensor = this.tensor(shape, label, dtype)
    this.stream.write(tensor, data)
    return tensor
  }

  /** Gives a tensor's buffer back to the arena; work recorded so far may still use it. */
  release(...tensors: readonly Tensor[]): void {
    for (const tensor of tensors) this.arena.release(tensor.buffer)
  }

  async readF32(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.stream.read(tensor))
  }

  async readU32(tensor: Tensor): Promise<Uint32Array<ArrayBuffer>> {
    return new Uint32Array(await this.stream.read(tensor))
  }

  /** The first error a kernel or the device met: nothing can be computed after it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** @throws `failure`, if there was one. */
  assertAlive(): void {
    if (this.#failure) throw this.#failure
  }

  /** Frees everything on the device; `lost` follows. */
  close(): void {
    this.#failure = lostError('closed')
    this.device.destroy()
  }

  #fail(error: Error): void {
    this.#failure ??= error
  }
}

function lostError(reason: string): DeviceLostError {
  return new DeviceLostError(
    `the GPU device is gone (${reason}); load the model again and continue from the last checkpoint`,
  )
}

function kernelError(label: string, error: GPUError): KernelError {
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? new KernelError(
        `${label}: the GPU ran out of memory: ${error.message}. Load the model again, with narrower weights or for less at once`,
      )
    : new KernelError(`${label}: refused by WebGPU: ${error.message}`)
}
