import type { TensorEntry } from '../data/safetensors.ts'
import { CheckpointError } from './decoder/tensor-names.ts'
import { readFloats } from './decoder/weights.ts'

/**
 * Reads the learned vector that ends a row of image features: `image_newline`, before transformers 4.52 and after.
 * @returns (hiddenSize).
 * @throws {CheckpointError} when there is none, or it has another length.
 */
export async function readNewline(
  checkpoint: ReadonlyMap<string, TensorEntry>,
  hiddenSize: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const entry = [...checkpoint.values()].find(({ name }) => /(^|\.)image_newline$/.test(name))
  if (!entry) {
    throw new CheckpointError(
      `expected image_newline or model.image_newline among the checkpoint's ${checkpoint.size} tensors, found neither; images cut into tiles need it at the end of each row, so take a checkpoint that was saved whole`,
    )
  }
  if (entry.shape.join() !== `${hiddenSize}`)
    throw new CheckpointError(
      `${entry.name}: expected shape (${hiddenSize}), got (${entry.shape.join(', ')})`,
    )
  return await readFloats(entry, signal)
}
