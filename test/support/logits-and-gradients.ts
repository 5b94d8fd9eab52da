import type { Gpu } from '../../src/gpu/gpu.ts'
import { type AdapterLayout, AdapterTensors } from '../../src/models/decoder/adapter.ts'
import type { PackedBatch } from '../../src/models/decoder/batch.ts'
import type { Decoder } from '../../src/models/decoder/decoder.ts'
import { at } from './numeric.ts'

export interface LogitsAndGradients {
  readonly logits: Float32Array
  /** Of the adapter, flat. */
  readonly gradients: Float32Array
}

/** Logits and the adapter's gradients of one batch, for slopes of 1, 0 and -1 in turn to its log-probabilities. */
export async function logitsAndGradients(
  gpu: Gpu,
  decoder: Decoder,
  layout: AdapterLayout,
  params: Float32Array<ArrayBuffer>,
  packed: PackedBatch,
): Promise<LogitsAndGradients> {
  const adapter = new AdapterTensors(gpu, layout, 'adapter')
  const grads = new AdapterTensors(gpu, layout, 'grads')
  gpu.stream.write(adapter.flat, params)
  const workspace = decoder.workspace({
    tokens: packed.ids.length,
    answers: packed.targets.length,
    sequences: packed.offsets.length - 1,
    features: Math.max(1, packed.features.length / decoder.config.hiddenSize),
  })
  const batch = decoder.stage(workspace, packed)
  decoder.forward(workspace, batch, { params: adapter }, true)
  const slopes = Float32Array.from(packed.targets, (_, n) => (n % 3) - 1)
  const dlogps = gpu.upload(slopes, [slopes.length], 'dlogps')
  decoder.backward(workspace, batch, { params: adapter }, grads, dlogps)
  const found = {
    logits: await gpu.readF32(decoder.logits(workspace)),
    gradients: await gpu.readF32(grads.flat),
  }
  workspace.release()
  gpu.release(adapter.flat, grads.flat, dlogps)
  return found
}

/** Length of the difference over the length of what was expected, of both: what a change of weights does on the whole. */
export function distances(
  actual: LogitsAndGradients,
  expected: LogitsAndGradients,
): Record<keyof LogitsAndGradients, number> {
  return {
    logits: distance(actual.logits, expected.logits),
    gradients: distance(actual.gradients, expected.gradients),
  }
}

function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, length] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    difference += (at(actual, i) - at(expected, i)) ** 2
    length += at(expected, i) ** 2
  }
  return Math.sqrt(difference / length)
}
