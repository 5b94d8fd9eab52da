import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import * as ort from 'onnxruntime-web/wasm'

ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, import.meta.url).href } // from our own origin
ort.env.wasm.numThreads = 1 // the GPU's work and the page need the other cores

/**
 * Lets graphs be computed by several threads, to the same bits; of use before the first graph is opened, and only where the
 * page is cross-origin isolated; without it one thread computes.
 * @param count default half of the cores, at most 4: ONNX Runtime's own choice, but rounded down, because page and GPU need
 *   the rest. (On two busy cores two threads were no faster than one.)
 */
export function setOnnxThreads(
  count = Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2))),
): void {
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? count : 1
}

/** ONNX Runtime's version, which may change the last bits of what graphs compute. */
export const ONNX_RUNTIME_VERSION = ort.env.versions.web ?? ort.env.versions.common

export type OnnxSession = ort.InferenceSession
export const OnnxTensor = ort.Tensor

/** Whether graphs can be computed on a GPU device: ONNX Runtime's WASM has to wait for it, by JSPI. */
export const CAN_COMPUTE_ON_DEVICE = 'Suspending' in WebAssembly

/**
 * Opens an ONNX graph.
 * @param device computes it by WebGPU on this device, where `CAN_COMPUTE_ON_DEVICE`. Default in WASM.
 * @throws {Error} ONNX Runtime's, when it cannot run the graph.
 */
export async function openOnnx(bytes: Uint8Array<ArrayBuffer>, device?: GPUDevice): Promise<OnnxSession> {
  if (device) return await (await import('./onnx-webgpu.ts')).openOnDevice(bytes, device)
  return await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
}
