import type { ByteSource } from './bytes.ts'
import type { Folder } from './folder.ts'

/** What transformers.js puts behind a graph's name for each kind of number it is kept in, the most exact first. */
const SUFFIXES = ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16']

/** A model's graph as transformers.js lays it out, such as `onnx/text_model.onnx`: the most exact there is, or undefined. */
export async function findOnnx(
  files: Folder,
  stem: string,
  signal?: AbortSignal,
): Promise<ByteSource | undefined> {
  for (const suffix of SUFFIXES) {
    const source = await files.open(`onnx/${stem}${suffix}.onnx`, signal)
    if (source) return source
  }
  return undefined
}
