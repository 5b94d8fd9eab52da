import type { Cost } from '../../src/gpu/pacer.ts'

/** An array on the host with its shape; whole numbers (targets) are `Int32Array`. */
export interface HostTensor {
  data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>
  shape: readonly number[]
}

/** What a runner computed, by output name. */
export type Outputs<Out extends string> = Readonly<Record<Out, Float32Array>>

/** One operation at one shape, with every way there is here to compute it; `In` and `Out` name inputs and outputs. */
export interface Problem<In extends string = string, Out extends string = string> {
  /** Suite and direction, such as `attention.backward`. */
  name: string
  /** Sizes as they are printed, such as `256x1024x1024`. */
  shape: string
  inputs: Readonly<Record<In, HostTensor>>
  /** Shapes of the outputs every entry must return. */
  outputs: Readonly<Record<Out, readonly number[]>>
  /** The operation's own work: what the cheapest algorithm must compute and move, whatever an entry does. */
  cost: Cost
  /** Largest relative error at which a result counts as right: f32 rounding, with room for another order of summation. */
  tolerance: number
  /** Relative error of the outputs against float64. */
  error(outputs: Outputs<Out>): number
  entries: readonly Entry<In, Out>[]
}

/** One library's way to compute a problem. */
export interface Entry<In extends string = string, Out extends string = string> {
  library: Library
  /** The operations used, such as `matMul(transposeB)`. */
  how: string
  /** Uploads the inputs and compiles. @throws when the library cannot run it here; the message is printed. */
  prepare(problem: Problem<In, Out>): Promise<Runner<Out>>
}

export type Library = 'clip-dpo' | 'jax-js' | 'tfjs-webgpu' | 'onnxruntime-web'

/** A prepared entry: inputs and outputs stay on the GPU between runs. */
export interface Runner<Out extends string = string> {
  /** Queues one run; waits at most for the library's own bookkeeping, not for the GPU. */
  run(): void | Promise<void>
  /** Resolves once everything queued is done. */
  sync(): Promise<void>
  /** The outputs of the last run. */
  read(): Promise<Outputs<Out>>
  close(): void | Promise<void>
}

/** A problem that is not built yet: its inputs can take hundreds of megabytes. */
export interface Plan {
  name: string
  build(): Problem
}

/** What decides which shapes are worth measuring. */
export interface PlanOptions {
  /** A few quick shapes instead of all. */
  small: boolean
  /** Whether the adapter computes on the CPU. */
  isSoftware: boolean
}
