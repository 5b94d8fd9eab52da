import type { ByteSource } from '../data/bytes.ts'
import { type FolderSpec, openFile, openFolder } from '../data/folder.ts'
import type { ImageDatasetSpec } from '../data/image-dataset.ts'
import { sha256 } from '../data/sha256.ts'
import { jsonHash } from './hash.ts'
import type { ModelSource } from './models.ts'
import type { ModelRef } from './recipe.ts'

/** A recipe names something that is not there. */
export class SourceMissingError extends Error {
  override readonly name = 'SourceMissingError'
}

/** What the user gives a run beside its recipe, by the names the recipe has for it. */
export interface RunSources {
  /** Address of the page, where what comes with it lies. */
  readonly site: string
  readonly datasets?: Readonly<Record<string, ImageDatasetSpec>>
  readonly models?: Readonly<Record<string, FolderSpec>>
}

/** What `embedded:` names, below the page's address. */
const EMBEDDED = {
  models: (name: string) => `models/${name}`,
  datasets: (name: string, split: string) => `data/${name}/data/${split}-00000-of-00001.parquet`,
}

/** Where a data set lies. @throws {SourceMissingError} */
export function datasetSource(source: string, { site, datasets = {} }: RunSources): ImageDatasetSpec {
  const given = Object.hasOwn(datasets, source) ? datasets[source] : undefined
  if (given) return given
  const [, name, split] = /^embedded:([\w-]+)\/([\w-]+)$/.exec(source) ?? []
  if (name && split) return { file: { url: new URL(EMBEDDED.datasets(name, split), site).href } }
  if (/^https?:/.test(source)) return { file: { url: source } }
  throw missing('dataset', source, Object.keys(datasets))
}

/**
 * A model's folder with its hash.
 * @throws {SourceMissingError} when the recipe names none that is there, or wants another hash.
 */
export async function resolveModel(
  { source, sha256: wanted, weights }: ModelRef,
  { site, models = {} }: RunSources,
  signal: AbortSignal,
): Promise<ModelSource> {
  const folder = modelFolder(source, site, models)
  const hash = await modelHash(folder, signal)
  if (wanted !== undefined && wanted !== hash)
    throw new SourceMissingError(`model ${source}: expected SHA-256 ${wanted}, got ${hash}: the files differ`)
  const format = weights ?? 'f32' // other formats give other answers
  return { name: source, folder, hash: await jsonHash([hash, format]), ...(weights ? { weights } : {}) }
}

function modelFolder(source: string, site: string, models: Readonly<Record<string, FolderSpec>>): FolderSpec {
  const given = Object.hasOwn(models, source) ? models[source] : undefined
  if (given) return given
  const [, name] = /^embedded:([\w-]+)$/.exec(source) ?? []
  if (name) return { url: new URL(EMBEDDED.models(name), site).href }
  if (/^https?:/.test(source)) return { url: source }
  throw missing('model', source, Object.keys(models))
}

function missing(kind: string, source: string, given: readonly string[]): SourceMissingError {
  return new SourceMissingError(
    `${kind} ${source}: expected embedded:NAME, an address, or the name of one that is given (${given.join(', ') || 'none'})`,
  )
}

/** Files that a model's answers or embeddings depend on; of each kind of weights, those that are there. */
const MODEL_FILES = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'model.safetensors.index.json',
  'model.safetensors',
  'onnx/text_model.onnx',
  'onnx/vision_model.onnx',
  'onnx/vision_encoder.onnx',
]
/** Files up to this size are hashed whole; of larger ones the size and both ends. */
const WHOLE_BYTES = 2 ** 26
const END_BYTES = 2 ** 20

/** SHA-256, hexadecimal, that names a model by its files; of files over 64 MiB only the size and both ends are read. */
export async function modelHash(folder: FolderSpec, signal?: AbortSignal): Promise<string> {
  const files = openFolder(folder)
  const found: [path: string, fingerprint: string][] = []
  const paths: string[] = [...MODEL_FILES]
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const source = await files.open(path, signal)
    if (!source) continue
    if (path === 'model.safetensors.index.json') paths.push(...(await shardsOf(source, signal)))
    found.push([path, await fingerprint(source, WHOLE_BYTES, signal)])
  }
  if (found.length === 0)
    throw new SourceMissingError(
      `model ${'url' in folder ? folder.url : folder.name}: expected config.json, found none`,
    )
  return await jsonHash(found)
}

/** Files of a folder of pictures are many: of those over this size only the size and the ends are read. */
const PICTURE_BYTES = 2 ** 16

/** What tells whether a data set's source is what it was: its file's content, or its folder's paths and files. */
export async function datasetVersion(
  { file, folder, split = '' }: ImageDatasetSpec,
  signal: AbortSignal,
): Promise<string> {
  const found: [path: string, fingerprint: string][] = [['split', split]]
  if (file) found.push(['file', await fingerprint(await openFile(file, signal), WHOLE_BYTES, signal)])
  const files = folder && openFolder(folder)
  for (const path of files?.paths ?? []) {
    const source = await files?.open(path, signal)
    if (source) found.push([path, await fingerprint(source, PICTURE_BYTES, signal)])
  }
  return await jsonHash(found)
}

/** Size and SHA-256 of a file; of one over `whole` bytes, of its two ends. @param whole default 64 MiB. */
export async function fingerprint(
  source: ByteSource,
  whole = WHOLE_BYTES,
  signal?: AbortSignal,
): Promise<string> {
  const { byteLength } = source
  const end = Math.min(END_BYTES, whole / 2)
  const parts =
    byteLength <= whole
      ? [await source.read(0, byteLength, signal)]
      : [await source.read(0, end, signal), await source.read(byteLength - end, byteLength, signal)]
  return [byteLength, ...(await Promise.all(parts.map(sha256)))].join(' ')
}

async function shardsOf(index: ByteSource, signal?: AbortSignal): Promise<string[]> {
  const text = new TextDecoder().decode(await index.read(0, index.byteLength, signal))
  const { weight_map: files = {} } = JSON.parse(text) as { weight_map?: Record<string, string> }
  return [...new Set(Object.values(files))].sort()
}
