import { Autotuner } from '../../src/gpu/autotune.ts'
import { Gpu } from '../../src/gpu/gpu.ts'
import type { DType, HostArray, Tensor } from '../../src/gpu/tensor.ts'
import { mapValues, mapValuesAsync } from '../harness/arrays.ts'
import type { Entry, HostTensor } from '../harness/problem.ts'

let opened: Promise<Gpu> | undefined

/** The device all of this project's kernels are measured on. */
export function ownGpu(): Promise<Gpu> {
  opened ??= Gpu.open()
  return opened
}

let tuner: Autotuner | undefined

/** Chooses tiles by timing them once for all problems; that is done before anything is measured. */
export function ownTuner(gpu: Gpu): Autotuner {
  tuner ??= new Autotuner(gpu)
  return tuner
}

/** Whole numbers become u32, which is what this project's kernels index by. */
function upload(gpu: Gpu, { data, shape }: HostTensor, name: string): Tensor {
  return gpu.upload(data instanceof Int32Array ? new Uint32Array(data) : data, shape, name)
}

/** Makes tensors that live as long as the runner. */
export interface Workspace {
  /** Scratch, or what is kept for a backward pass. */
  zeros(shape: readonly number[], name: string, dtype?: DType): Tensor
  upload(data: HostArray, shape: readonly number[], name: string): Tensor
}

/** How one run is recorded. */
export interface Recording {
  run(): void
  /** Gives outputs that a run updates their first values; without it they start from zero. */
  reset?(): void
}

/** An entry of this project's kernels; `build` compiles them. */
export function ownEntry<In extends string, Out extends string>(
  how: string,
  build: (gpu: Gpu, tensors: Record<In | Out, Tensor>, workspace: Workspace) => Promise<Recording>,
): Entry<In, Out> {
  return {
    library: 'clip-dpo',
    how,
    async prepare(problem) {
      const gpu = await ownGpu()
      const inputs = mapValues(problem.inputs, (tensor, name) => upload(gpu, tensor, name))
      const outputs = mapValues(problem.outputs, (shape, name) => gpu.tensor(shape, name))
      const lent = [...Object.values<Tensor>(inputs), ...Object.values<Tensor>(outputs)]
      const lend = (tensor: Tensor): Tensor => {
        lent.push(tensor)
        return tensor
      }
      const workspace: Workspace = {
        zeros(shape, name, dtype) {
          const tensor = lend(gpu.tensor(shape, name, dtype))
          gpu.stream.clear(tensor)
          return tensor
        },
        upload: (data, shape, name) => lend(gpu.upload(data, shape, name)),
      }
      const close = (): void => {
        gpu.release(...lent)
        gpu.arena.trim()
      }
      let recording: Recording
      try {
        recording = await build(gpu, { ...inputs, ...outputs }, workspace)
      } catch (error) {
        close()
        throw error
      }
      return {
        run: () => recording.run(),
        close,
        sync: () => gpu.stream.idle(),
        read() {
          for (const tensor of Object.values<Tensor>(outputs)) gpu.stream.clear(tensor)
          recording.reset?.()
          recording.run()
          return mapValuesAsync(outputs, (tensor) => gpu.readF32(tensor))
        },
      }
    },
  }
}
