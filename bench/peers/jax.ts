import { blockUntilReady, defaultDevice, init, jit, numpy as np } from '@jax-js/jax'
import { mapValues, mapValuesAsync } from '../harness/arrays.ts'
import type { Entry, HostTensor } from '../harness/problem.ts'

let opened: Promise<void> | undefined

function open(): Promise<void> {
  opened ??= init('webgpu').then((devices) => {
    if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU device')
    defaultDevice('webgpu')
  })
  return opened
}

function upload({ data, shape }: HostTensor): np.Array {
  const dtype = data instanceof Int32Array ? np.int32 : np.float32
  return np.array(data, { shape: [...shape], dtype })
}

/** An entry of one jitted function; `f` consumes its arguments as jax-js wants it (`.ref` keeps one). */
export function jaxEntry<In extends string, Out extends string>(
  how: string,
  f: (inputs: Record<In, np.Array>) => Record<Out, np.Array>,
): Entry<In, Out> {
  return {
    library: 'jax-js',
    how,
    async prepare(problem) {
      await open()
      const inputs = mapValues(problem.inputs, upload)
      const arrays = Object.values<np.Array>(inputs)
      await blockUntilReady(arrays)
      const compiled = jit((args: Record<string, np.Array>) => f(args as Record<In, np.Array>))
      const call = (): Record<Out, np.Array> => compiled(mapValues(inputs, (array) => array.ref))
      let running: Promise<void>[] = []
      return {
        run() {
          const outputs = Object.values<np.Array>(call())
          // jax-js is lazy: waiting for an array is what sends its work to the GPU.
          running.push(
            blockUntilReady(outputs).then(() => {
              for (const array of outputs) array.dispose()
            }),
          )
        },
        async sync() {
          await Promise.all(running)
          running = []
        },
        read: () => mapValuesAsync(call(), async (array) => (await array.data()) as Float32Array),
        close() {
          for (const array of arrays) array.dispose()
          compiled.dispose()
        },
      }
    },
  }
}
