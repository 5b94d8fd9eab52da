import '@tensorflow/tfjs-backend-webgpu'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
import * as tf from '@tensorflow/tfjs-core'
import { mapValues, mapValuesAsync } from '../harness/arrays.ts'
import type { Entry, HostTensor } from '../harness/problem.ts'

/** Large enough that tfjs computes on it on the GPU. */
const PROBE_SIZE = 4096

let opened: Promise<tf.Tensor> | undefined

/** @returns a tensor on the GPU: reading something computed from it waits for all that was queued before. */
function open(): Promise<tf.Tensor> {
  opened ??= (async () => {
    if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs found no WebGPU device')
    await tf.ready()
    return tf.ones([PROBE_SIZE])
  })()
  return opened
}

function upload({ data, shape }: HostTensor): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32')
}

/** An entry of one function over tensors; what it makes on the way is freed by `tidy`. */
export function tfjsEntry<In extends string, Out extends string>(
  how: string,
  f: (inputs: Record<In, tf.Tensor>) => Record<Out, tf.Tensor>,
): Entry<In, Out> {
  return {
    library: 'tfjs-webgpu',
    how,
    async prepare(problem) {
      const probe = await open()
      const inputs = mapValues(problem.inputs, upload)
      return {
        run() {
          // Freed buffers go back to the pool of tfjs; the queue runs in order, so nothing is overwritten early.
          tf.dispose(tf.tidy(() => f(inputs)))
        },
        async sync() {
          const last = tf.neg(probe)
          await last.data()
          last.dispose()
        },
        async read() {
          const outputs = tf.tidy(() => f(inputs))
          const values = await mapValuesAsync(
            outputs,
            async (tensor) => (await tensor.data()) as Float32Array,
          )
          tf.dispose(outputs)
          return values
        },
        close() {
          tf.dispose(inputs)
        },
      }
    },
  }
}
