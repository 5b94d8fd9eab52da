import type { Folder } from '../data/folder.ts'
import { AdapterError, type LoraMatrices, parseLoraConfig, readAdapterWeights } from '../data/peft.ts'
import { readJson } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import { type AdapterLayout, adapterLayout, packAdapter } from './decoder/adapter.ts'
import { readFloats } from './decoder/weights.ts'

/** An adapter read from PEFT's files, ready for the GPU. */
export interface ReadAdapter {
  readonly layout: AdapterLayout
  readonly params: Float32Array<ArrayBuffer> // (layout.size)
}

/**
 * Reads PEFT's folder of a LoRA adapter.
 * @throws {AdapterError} when a file is missing or the adapter does not fit the model.
 */
export async function readAdapter(
  folder: Folder,
  model: ModelConfig,
  signal?: AbortSignal,
): Promise<ReadAdapter> {
  const config = parseLoraConfig(await readJson(folder, 'adapter_config.json', signal))
  const source = await folder.open('adapter_model.safetensors', signal)
  if (!source) throw new AdapterError(`${folder.name}: expected adapter_model.safetensors, found none`)
  const layers = new Map<string, LoraMatrices<Float32Array>>()
  for (const [path, { loraA, loraB }] of await readAdapterWeights(source, signal)) {
    layers.set(path, { loraA: await readFloats(loraA, signal), loraB: await readFloats(loraB, signal) })
  }
  const layout = adapterLayout(model, config)
  return { layout, params: packAdapter(layout, layers) }
}
