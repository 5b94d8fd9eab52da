import type { ByteSource } from '../data/bytes.ts'
import { type FileSpec, type Folder, type FolderSpec, openFile, openFolder } from '../data/folder.ts'
import type { ImageDatasetSpec } from '../data/image-dataset.ts'
import { findOnnx } from '../data/onnx-files.ts'
import { picturePaths } from '../data/picture-paths.ts'
import { sha256 } from '../data/sha256.ts'
import { Downloads } from '../store/downloads.ts'
import { jsonHash } from './hash.ts'

/** Files that a model's answers or embeddings depend on, besides weights and graphs. */
const SETTINGS_FILES = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
]
const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const GRAPHS = ['text_model', 'vision_model', 'vision_encoder']

/**
 * SHA-256, hexadecimal, that names a model by the files it is loaded from, all of them read whole: what differs in any bit is
 * another model.
 * @param site address of the page. What comes from elsewhere is kept, so that it is fetched only once.
 * @returns undefined where there is none of a model's files.
 */
export async function modelHash(
  folder: FolderSpec,
  site: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const files = openFolder(
    folder,
    'url' in folder && isElsewhere(folder.url, site) ? { fetch: new Downloads().fetch } : {},
  )
  const found: [path: string, fingerprint: string][] = []
  const add = async (path: string, source: ByteSource | undefined): Promise<boolean> => {
    if (source) found.push([path, await fingerprint(source, signal)])
    return source !== undefined
  }
  for (const path of SETTINGS_FILES) await add(path, await files.open(path, signal))
  if (!(await add(WEIGHTS, await files.open(WEIGHTS, signal)))) {
    const index = await files.open(INDEX, signal)
    for (const shard of index ? await shardsOf(index, signal) : [])
      await add(shard, await files.open(shard, signal))
    await add(INDEX, index)
  }
  for (const stem of GRAPHS) await add(`onnx/${stem}`, await findOnnx(files, stem, signal))
  return found.length === 0 ? undefined : await jsonHash(found)
}

function isElsewhere(url: string, site: string): boolean {
  return new URL(url, site).origin !== new URL(site).origin
}

/** The files with weights that an index names. */
export async function shardsOf(index: ByteSource, signal?: AbortSignal): Promise<string[]> {
  const text = new TextDecoder().decode(await index.read(0, index.byteLength, signal))
  const { weight_map: files = {} } = JSON.parse(text) as { weight_map?: Record<string, string> }
  return [...new Set(Object.values(files))].sort()
}

/** Files looked at together: each costs a request or two. */
const AT_ONCE = 16

/**
 * What tells whether a data set's source is what it was: its file's content and that of the pictures it names beside it, or its
 * folder's paths and files, all of them to the last bit. Only of a large file from elsewhere, of which a run may want a small
 * part, the server's word is taken, see `remoteVersion`.
 * @param site address of the page.
 */
export async function datasetVersion(
  { file, folder, split = '' }: ImageDatasetSpec,
  site: string,
  signal: AbortSignal,
): Promise<string> {
  const found: [path: string, version: string][] = [['split', split]]
  const files = folder && openFolder(folder)
  const versionIn = (spec: FileSpec | FolderSpec | undefined) =>
    spec && 'url' in spec && isElsewhere(spec.url, site) ? remoteVersion : fingerprint
  if (file) {
    const source = await openFile(file, signal)
    found.push(['file', await versionIn(file)(source, signal)])
    if (files)
      found.push(...(await versions(files, picturePaths(source, files, signal), versionIn(folder), signal)))
  } else if (files?.paths) {
    found.push(...(await versions(files, files.paths, versionIn(folder), signal)))
  }
  return await jsonHash(found)
}

async function versions(
  files: Folder,
  paths: Iterable<string> | AsyncIterable<string>,
  version: (source: ByteSource, signal: AbortSignal) => Promise<string>,
  signal: AbortSignal,
): Promise<[path: string, version: string][]> {
  const found: [path: string, version: string][] = []
  const look = async (batch: readonly string[]): Promise<void> => {
    const sources = await Promise.all(batch.map((path) => files.open(path, signal)))
    const made = await Promise.all(sources.map((source) => (source ? version(source, signal) : 'missing')))
    made.forEach((one, i) => {
      found.push([batch[i] ?? '', one])
    })
  }
  const batch: string[] = []
  for await (const path of paths) {
    batch.push(path)
    if (batch.length === AT_ONCE) await look(batch.splice(0))
  }
  await look(batch)
  return found
}

/** A file from elsewhere up to this size is read whole. */
const REMOTE_BYTES = 2 ** 26
const END_BYTES = 2 ** 20
/** Web Crypto hashes nothing in parts: a long file is hashed piece by piece, and then the pieces' hashes. */
const PIECE_BYTES = 2 ** 24

/** Size and SHA-256 of a file; of one over 16 MiB that of its pieces' SHA-256s. */
export async function fingerprint(source: ByteSource, signal?: AbortSignal): Promise<string> {
  const { byteLength } = source
  const sums: string[] = []
  for (let start = 0; start < byteLength || start === 0; start += PIECE_BYTES)
    sums.push(await sha256(await source.read(start, Math.min(byteLength, start + PIECE_BYTES), signal)))
  const [only = '', ...more] = sums
  return `${byteLength} ${more.length === 0 ? only : await jsonHash(sums)}`
}

/**
 * What tells one content of a file on another server from another. One over 64 MiB is not read whole where the server vouches for
 * it: by a strong ETag, which other bytes do not have, or by the second in which it was changed last, together with the size and
 * both ends; that would miss a change within that second alone.
 */
async function remoteVersion(source: ByteSource, signal: AbortSignal): Promise<string> {
  const { byteLength, validators: { etag, lastModified } = {} } = source
  if (byteLength <= REMOTE_BYTES || (etag === undefined && lastModified === undefined))
    return await fingerprint(source, signal)
  if (etag !== undefined) return `${byteLength} ${etag}`
  const parts = [
    await source.read(0, END_BYTES, signal),
    await source.read(byteLength - END_BYTES, byteLength, signal),
  ]
  return [byteLength, lastModified, ...(await Promise.all(parts.map(sha256)))].join(' ')
}
