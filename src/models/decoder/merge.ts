import { AdapterError } from '../../data/peft.ts'
import type { AdapterTensors } from './adapter.ts'
import type { Decoder } from './decoder.ts'

/**
 * Adds an adapter to a decoder's weights, `W += strength * scaling * B A`; adapters used afterwards come on top.
 * @param strength factor on the adapter's effect; the negative of an earlier merge undoes it but for rounding. Default 1.
 * @throws {AdapterError} for weights that are not kept in f32, or whose rows are padded.
 */
export function mergeAdapter(decoder: Decoder, adapter: AdapterTensors, strength = 1): void {
  const { format, layers } = decoder.weights
  if (format !== 'f32')
    throw new AdapterError(`merge: expected weights in f32, got ${format}; load the model with weights f32`)
  const { slots, scaling } = adapter.layout
  for (const { path, loraA } of slots) {
    if (loraA.shape[1] % 4 !== 0) {
      throw new AdapterError(
        `merge: ${path}: expected inputs a multiple of 4, got ${loraA.shape[1]}; use the adapter unmerged`,
      )
    }
  }
  for (const { layer, name } of slots) {
    const linear = layers[layer]?.linear[name]
    const matrices = adapter.of(layer, name)
    if (linear && matrices)
      decoder.kernels.lora.merge({ weight: linear.weight.data, ...matrices, scaling: strength * scaling })
  }
}
