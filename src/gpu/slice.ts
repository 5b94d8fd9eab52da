import type { Grid } from './pacer.ts'
import type { CompiledKernel } from './pipelines.ts'
import type { TimestampRecorder } from './timings.ts'

/** Commands ready for one submit. */
export interface Slice {
  readonly encoder: GPUCommandEncoder
  /** What it holds, for error messages. */
  readonly labels: readonly string[]
  /** The dispatches' and copies' cost as one number (`Pacer.work`). */
  readonly work: number
}

/** One dispatch with everything bound. */
export interface RecordedDispatch {
  readonly kernel: CompiledKernel
  readonly buffers: GPUBindGroup
  readonly params: GPUBindGroup
  /** Where the dispatch's `Params` lie in their block, in bytes. */
  readonly paramsOffset: number
  readonly count: Grid
  /** 0 for the later pieces of a dispatch that was split. */
  readonly calls: number
  readonly work: number
}

/** Records the commands of one slice after another: kernels that follow each other share a pass, unless they are timed. */
export class SliceRecorder {
  readonly #device: GPUDevice
  /** Gives each dispatch a pass of its own, with timestamps. */
  timer: TimestampRecorder | undefined
  #encoder: GPUCommandEncoder | undefined
  #pass: GPUComputePassEncoder | undefined
  #boundKernel: CompiledKernel | undefined
  #labels: string[] = []
  #work = 0

  constructor(device: GPUDevice) {
    this.#device = device
  }

  /** Cost of what is recorded so far. */
  get work(): number {
    return this.#work
  }

  dispatch({ kernel, buffers, params, paramsOffset, count, calls, work }: RecordedDispatch): void {
    const pass = this.#openPass(kernel.label, calls)
    if (this.#boundKernel !== kernel) {
      pass.setPipeline(kernel.pipeline)
      this.#boundKernel = kernel
    }
    pass.setBindGroup(0, buffers)
    pass.setBindGroup(1, params, [paramsOffset])
    pass.dispatchWorkgroups(...count)
    this.#labels.push(kernel.label)
    this.#work += work
    if (this.timer) this.#closePass()
  }

  /** The encoder, for a copy outside any pass. */
  transfer(label: string, work: number): GPUCommandEncoder {
    this.#labels.push(label)
    this.#work += work
    return this.#openEncoder()
  }

  /** Ends the slice; undefined when nothing was recorded. */
  take(): Slice | undefined {
    this.#closePass()
    const encoder = this.#encoder
    if (!encoder) return undefined
    const slice = { encoder, labels: this.#labels, work: this.#work }
    this.#encoder = undefined
    this.#labels = []
    this.#work = 0
    return slice
  }

  #openEncoder(): GPUCommandEncoder {
    this.#closePass()
    this.#encoder ??= this.#device.createCommandEncoder({ label: 'slice' })
    return this.#encoder
  }

  #openPass(label: string, calls: number): GPUComputePassEncoder {
    if (!this.#pass) {
      const encoder = this.#openEncoder()
      this.#pass = encoder.beginComputePass(this.timer?.pass(label, calls) ?? { label: 'slice' })
    }
    return this.#pass
  }

  #closePass(): void {
    this.#pass?.end()
    this.#pass = undefined
    this.#boundKernel = undefined
  }
}
