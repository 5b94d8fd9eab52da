import * as ort from 'onnxruntime-web/jspi'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url'

ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, import.meta.url).href } // from our own origin
ort.env.wasm.numThreads = 1

/** Opens an ONNX graph, to be computed by WebGPU on a device that others use as well; needs WASM that can wait (JSPI). */
export async function openOnDevice(
  bytes: Uint8Array<ArrayBuffer>,
  device: GPUDevice,
): Promise<ort.InferenceSession> {
  return await ort.InferenceSession.create(bytes, {
    executionProviders: [{ name: 'webgpu', device }, 'wasm'],
  })
}
