import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import * as ort from 'onnxruntime-web/webgpu'
import { mapValues, mapValuesAsync } from '../harness/arrays.ts'
import type { Entry, HostTensor } from '../harness/problem.ts'
import { encodeOnnx, type OnnxGraph, type OnnxType } from './onnx.ts'

ort.env.wasm.wasmPaths = { wasm: wasmUrl }
ort.env.wasm.numThreads = 1
ort.env.logLevel = 'error'

/** How a problem's tensors enter and leave an ONNX graph. */
export interface OrtForm<In extends string, Out extends string> {
  /** The graph's inputs; default the problem's, as they are. */
  inputs?: (inputs: Readonly<Record<In, HostTensor>>) => Record<string, HostTensor>
  /** Shapes of the graph's outputs; default the problem's. */
  outputs?: Readonly<Record<Out, readonly number[]>>
}

function typeOf({ data }: HostTensor): OnnxType & ('int32' | 'float32') {
  return data instanceof Int32Array ? 'int32' : 'float32'
}

/**
 * An entry of one ONNX graph with all inputs and outputs in GPU buffers.
 * A node that onnxruntime-web would compute on the CPU is an error.
 */
export function ortEntry<In extends string, Out extends string>(
  how: string,
  graph: Pick<OnnxGraph, 'nodes' | 'constants'>,
  form: OrtForm<In, Out> = {},
): Entry<In, Out> {
  return {
    library: 'onnxruntime-web',
    how,
    async prepare(problem) {
      const inputs: Record<string, HostTensor> = form.inputs?.(problem.inputs) ?? problem.inputs
      const outputs = form.outputs ?? problem.outputs
      const model = encodeOnnx({
        ...graph,
        inputs: mapValues(inputs, (tensor) => ({ type: typeOf(tensor), shape: tensor.shape })),
        outputs: mapValues(outputs, (shape) => ({ type: 'float32', shape })),
      })
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['webgpu'],
        preferredOutputLocation: 'gpu-buffer',
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      })
      const device = (await ort.env.webgpu.device) as GPUDevice
      const feeds = mapValues(inputs, (tensor) =>
        gpuTensor(device, typeOf(tensor), tensor.shape, tensor.data),
      )
      const fetches = mapValues(outputs, (shape) => gpuTensor(device, 'float32', shape))
      return {
        async run() {
          await session.run(feeds, fetches)
        },
        sync: () => device.queue.onSubmittedWorkDone(),
        async read() {
          await session.run(feeds, fetches)
          return mapValuesAsync(fetches, (tensor) => readBack(device, tensor))
        },
        async close() {
          await session.release()
          for (const tensor of Object.values<ort.Tensor>({ ...feeds, ...fetches })) tensor.gpuBuffer.destroy()
        },
      }
    },
  }
}

function gpuTensor(
  device: GPUDevice,
  dataType: 'float32' | 'int32',
  shape: readonly number[],
  data?: HostTensor['data'],
): ort.Tensor {
  const byteLength = 4 * shape.reduce((product, n) => product * n, 1)
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size: Math.ceil(byteLength / 16) * 16, usage })
  if (data) device.queue.writeBuffer(buffer, 0, data)
  return ort.Tensor.fromGpuBuffer(buffer, { dataType, dims: [...shape] })
}

async function readBack(device: GPUDevice, tensor: ort.Tensor): Promise<Float32Array> {
  const byteLength = 4 * tensor.size
  const staging = device.createBuffer({
    size: byteLength,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(tensor.gpuBuffer as GPUBuffer, 0, staging, 0, byteLength)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const values = new Float32Array(staging.getMappedRange().slice(0))
  staging.destroy()
  return values
}
