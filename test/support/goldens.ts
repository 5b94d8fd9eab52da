import { type ByteSource, blobSource } from '../../src/data/bytes.ts'
import type { FolderSpec } from '../../src/data/folder.ts'
import { readSafetensorsHeader } from '../../src/data/safetensors.ts'
import { type ModelFiles, readCheckpoint } from '../../src/models/checkpoint.ts'
import { readFloats } from '../../src/models/decoder/weights.ts'

const urls = import.meta.glob<string>('../goldens/**/*.{safetensors,json,jsonl,png,onnx}', {
  query: '?url',
  import: 'default',
  eager: true,
})

/** A file of `test/goldens/`. @throws when there is none of this path. */
export async function goldenFile(path: string): Promise<ByteSource> {
  return blobSource(await goldenBlob(path), path)
}

/** As `goldenFile`, for what is sent to a worker. */
export async function goldenBlob(path: string): Promise<Blob> {
  const url = urls[`../goldens/${path}`]
  if (!url) throw new Error(`test/goldens/${path} is missing`)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`test/goldens/${path}: ${response.status}`)
  return await response.blob()
}

/** The address of a folder of `test/goldens/` on the tests' server, without a slash at its end. */
export function goldenAddress(folder: string): string {
  const [path] = Object.keys(urls).filter((key) => key.startsWith(`../goldens/${folder}/`))
  const [url] = path === undefined ? [] : [urls[path]]
  if (path === undefined || url === undefined) throw new Error(`test/goldens/${folder} is missing`)
  return new URL(url.slice(0, url.length - path.length + `../goldens/${folder}`.length), location.href).href
}

/** A small Llama of random weights with a tokenizer, to be sent to a worker. */
export async function goldenLlama(): Promise<FolderSpec> {
  return {
    name: 'llama',
    files: {
      'config.json': await goldenBlob('decoders/llama/config.json'),
      'model.safetensors': await goldenBlob('decoders/llama/model.safetensors'),
      'tokenizer.json': await goldenBlob('dpo-trainer/model/tokenizer.json'),
      'tokenizer_config.json': await goldenBlob('dpo-trainer/model/tokenizer_config.json'),
    },
  }
}

/** Files of a folder of `test/goldens/`, to be sent to a worker. */
export async function goldenFolder(folder: string, paths: readonly string[]): Promise<FolderSpec> {
  const files = paths.map(async (path) => [path, await goldenBlob(`${folder}/${path}`)] as const)
  return { name: folder, files: Object.fromEntries(await Promise.all(files)) }
}

/** A model folder of `test/goldens/`. */
export function goldenModel(folder: string): ModelFiles {
  return {
    name: folder,
    open: async (path) =>
      urls[`../goldens/${folder}/${path}`] ? await goldenFile(`${folder}/${path}`) : undefined,
  }
}

/** The f32 tensors of a golden's safetensors file, by name. */
export async function goldenTensors(path: string): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const entries = await readSafetensorsHeader(await goldenFile(path))
  return new Map(await Promise.all(entries.map(async (e) => [e.name, await readFloats(e)] as const)))
}

/** The checkpoint of a model folder of `test/goldens/`. */
export async function goldenCheckpoint(folder: string) {
  return await readCheckpoint(goldenModel(folder))
}
