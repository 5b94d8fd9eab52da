import { type Folder, type FolderSpec, openFolder } from '../data/folder.ts'
import { findOnnx } from '../data/onnx-files.ts'
import { Downloads } from '../store/downloads.ts'
import { shardsOf } from './fingerprints.ts'

/** What a model is for: the one that learns, or the judge. */
export type ModelRole = 'policy' | 'clip'

/** What a folder says of itself, before anything large of it is read. */
export interface ModelDescription {
  /** `architectures[0]` or `model_type` of its `config.json`; undefined where it has none. */
  readonly architecture?: string
  /** Of the weights and graphs that would be loaded. */
  readonly byteLength: number
  /** Files it would need and does not have. */
  readonly missing: readonly string[]
}

const GRAPHS: Readonly<Record<ModelRole, readonly string[]>> = {
  policy: ['vision_encoder'],
  clip: ['text_model', 'vision_model'],
}

/** Looks whether a folder has what a model of its role needs. @throws {RefusedError} and {UnreachableError} */
export async function inspectModel(
  spec: FolderSpec,
  role: ModelRole,
  signal?: AbortSignal,
): Promise<ModelDescription> {
  // Kept, so that a model that has been used can be looked at without network.
  const files = openFolder(spec, 'url' in spec ? { fetch: new Downloads().fetch } : {})
  const missing: string[] = []
  let byteLength = 0
  const config = await files.open('config.json', signal)
  if (!config) missing.push('config.json')
  if (!(await files.open('tokenizer.json', signal))) missing.push('tokenizer.json')
  for (const stem of GRAPHS[role]) {
    const graph = await findOnnx(files, stem, signal)
    if (graph) byteLength += graph.byteLength
    else missing.push(`onnx/${stem}.onnx`)
  }
  if (role === 'policy') {
    const weights = await weightBytes(files, signal)
    if (weights === undefined) missing.push('model.safetensors')
    else byteLength += weights
  }
  const architecture = config && architectureOf(await config.read(0, config.byteLength, signal))
  return { ...(architecture === undefined ? {} : { architecture }), byteLength, missing }
}

/** Bytes of all weights, in one file or in several; undefined where there are none. */
async function weightBytes(files: Folder, signal?: AbortSignal): Promise<number | undefined> {
  const index = await files.open('model.safetensors.index.json', signal)
  const paths = index ? await shardsOf(index, signal) : ['model.safetensors']
  let total = 0
  for (const path of paths) {
    const file = await files.open(path, signal)
    if (!file) return undefined
    total += file.byteLength
  }
  return total
}

function architectureOf(bytes: Uint8Array): string | undefined {
  try {
    const { architectures, model_type: type } = JSON.parse(new TextDecoder().decode(bytes)) as {
      architectures?: unknown
      model_type?: unknown
    }
    const name = Array.isArray(architectures) ? (architectures[0] as unknown) : type
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined // loading it says what is wrong
  }
}
