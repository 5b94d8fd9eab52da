import { Gpu } from '../../src/gpu/gpu.ts'
import type { Tensor } from '../../src/gpu/tensor.ts'
import { mapValues, mapValuesAsync } from '../harness/arrays.ts'
import type { Entry, HostTensor } from '../harness/problem.ts'

let opened: Promise<Gpu> | undefined

/** The device all of this project's kernels are measured on. */
export function ownGpu(): Promise<Gpu> {
  opened ??= Gpu.open()
  return opened
}

/** Whole numbers become u32, which is what this project's kernels index by. */
function upload(gpu: Gpu, { data, shape }: HostTensor, name: string): Tensor {
  return gpu.upload(data instanceof Int32Array ? new Uint32Array(data) : data, shape, name)
}

/** Makes a tensor of zeros that lives as long as the runner: scratch, and what is kept for a backward pass. */
export type MakeTensor = (shape: readonly number[], name: string) => Tensor

/** How one run is recorded. */
export interface Recording {
  run(): void
  /** Gives outputs that a run updates their first values; without it they start from zero. */
  reset?(): void
}

/** An entry of this project's kernels; `build` compiles them. */
export function ownEntry<In extends string, Out extends string>(
  how: string,
  build: (gpu: Gpu, tensors: Record<In | Out, Tensor>, make: MakeTensor) => Promise<Recording>,
): Entry<In, Out> {
  return {
    library: 'clip-dpo',
    how,
    async prepare(problem) {
      const gpu = await ownGpu()
      const inputs = mapValues(problem.inputs, (tensor, name) => upload(gpu, tensor, name))
      const outputs = mapValues(problem.outputs, (shape, name) => gpu.tensor(shape, name))
      const lent = [...Object.values<Tensor>(inputs), ...Object.values<Tensor>(outputs)]
      const make: MakeTensor = (shape, name) => {
        const tensor = gpu.tensor(shape, name)
        gpu.stream.clear(tensor)
        lent.push(tensor)
        return tensor
      }
      const close = (): void => {
        gpu.release(...lent)
        gpu.arena.trim()
      }
      let recording: Recording
      try {
        recording = await build(gpu, { ...inputs, ...outputs }, make)
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
