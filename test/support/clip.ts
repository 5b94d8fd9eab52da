import type { FileSpec, FolderSpec } from '../../src/data/folder.ts'
import golden from '../goldens/clip/golden.json'
import { goldenBlob, goldenFolder, goldenTensors } from './goldens.ts'

export { golden as goldenClip }

export const CLIP_FILES = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'preprocessor_config.json',
  'onnx/text_model.onnx',
  'onnx/vision_model.onnx',
]

/** The golden CLIP's folder with some files put in, changed or (undefined) taken out. */
export async function clipFolder(
  changes: Readonly<Record<string, Blob | string | object | undefined>> = {},
): Promise<FolderSpec & { readonly files: Readonly<Record<string, Blob>> }> {
  const spec = await goldenFolder('clip/model', CLIP_FILES)
  const files: Record<string, Blob> = 'files' in spec ? { ...spec.files } : {}
  for (const [path, change] of Object.entries(changes)) {
    if (change === undefined) delete files[path]
    else if (change instanceof Blob) files[path] = change
    else files[path] = new Blob([typeof change === 'string' ? change : JSON.stringify(change)])
  }
  return { name: 'clip', files }
}

/** The golden's pictures, in their order. */
export async function clipImages(): Promise<FileSpec[]> {
  const numbers = Array.from({ length: golden.images }, (_, i) => i)
  return await Promise.all(
    numbers.map(async (i) => ({ name: `${i}.png`, blob: await goldenBlob(`clip/images/${i}.png`) })),
  )
}

/** PyTorch's embeddings (rows, dim), as they leave the projection. */
export async function clipEmbeds(kind: 'text_embeds' | 'image_embeds'): Promise<Float32Array<ArrayBuffer>> {
  const embeds = (await goldenTensors('clip/golden.safetensors')).get(kind)
  if (!embeds) throw new Error(`clip/golden.safetensors has no ${kind}`)
  return embeds
}

/** Numbers in the golden CLIP's embeddings. */
export const CLIP_DIM = 12

/** Rows at length 1, in float64. */
export function unitRows(rows: ArrayLike<number>, dim = CLIP_DIM): Float64Array {
  const values = Float64Array.from(rows)
  return values.map((value, i) => {
    const start = i - (i % dim)
    return value / Math.hypot(...values.subarray(start, start + dim))
  })
}
