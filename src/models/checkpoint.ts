import { type ByteSource, SourceError } from '../data/bytes.ts'
import { readSafetensorsHeader, SafetensorsError, type TensorEntry } from '../data/safetensors.ts'

/** The files of one model, laid out as on the Hugging Face hub: a folder, a URL prefix or the store. */
export interface ModelFiles {
  /** Folder or address, for error messages. */
  readonly name: string
  /** Opens a file by its path within the model, or gives undefined when there is none. */
  open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined>
}

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** Parses a JSON file of a model. @throws {SourceError} when it is missing or no JSON. */
export async function readJson(files: ModelFiles, path: string, signal?: AbortSignal): Promise<unknown> {
  const source = await files.open(path, signal)
  if (!source) throw new SourceError(`${files.name}: expected a file ${path}, found none`)
  const text = new TextDecoder().decode(await source.read(0, source.byteLength, signal))
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SourceError(
      `${files.name}/${path}: expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

/**
 * Lists the tensors of a checkpoint, single-file or sharded, without reading them.
 * @returns entries by tensor name.
 * @throws {SafetensorsError} when a shard is damaged or the index names a tensor its shard does not have.
 */
export async function readCheckpoint(
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const single = await files.open(SINGLE, signal)
  if (single) return byName(await readSafetensorsHeader(single, signal))
  if (!(await files.open(INDEX, signal))) {
    throw new SourceError(
      `${files.name}: expected ${SINGLE} or ${INDEX}, found neither; is this a model folder?`,
    )
  }
  const map = weightMap(await readJson(files, INDEX, signal), `${files.name}/${INDEX}`)
  const shards = new Map<string, ReadonlyMap<string, TensorEntry>>()
  for (const shard of new Set(map.values())) {
    const source = await files.open(shard, signal)
    if (!source) throw new SourceError(`${files.name}: ${INDEX} names ${shard}, which is missing`)
    shards.set(shard, byName(await readSafetensorsHeader(source, signal)))
  }
  const entries = new Map<string, TensorEntry>()
  for (const [name, shard] of map) {
    const entry = shards.get(shard)?.get(name)
    if (!entry)
      throw new SafetensorsError(`${files.name}/${shard}: ${INDEX} says that ${name} is here; it is not`)
    entries.set(name, entry)
  }
  return entries
}

function byName(entries: readonly TensorEntry[]): ReadonlyMap<string, TensorEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]))
}

function weightMap(index: unknown, name: string): ReadonlyMap<string, string> {
  const map = (index as { weight_map?: unknown } | null)?.weight_map
  if (typeof map !== 'object' || map === null || !Object.values(map).every((v) => typeof v === 'string')) {
    throw new SafetensorsError(`${name}: expected weight_map, an object from tensor names to file names`)
  }
  return new Map(Object.entries(map as Record<string, string>))
}
