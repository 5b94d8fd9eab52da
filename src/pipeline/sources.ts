import type { FolderSpec } from '../data/folder.ts'
import type { ImageDatasetSpec } from '../data/image-dataset.ts'
import { modelHash } from './fingerprints.ts'
import { jsonHash } from './hash.ts'
import { hubAddress } from './hub.ts'
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
  names: {
    model: ['embedded:emoji-llava', 'embedded:emoji-clip'],
    dataset: ['train', 'dev', 'heldout', 'zeroshot'].map((split) => `embedded:emoji-scenes/${split}`),
  },
  models: (name: string) => `models/${name}`,
  datasets: (name: string, split: string) => `data/${name}/data/${split}-00000-of-00001.parquet`,
}

/** Where a data set lies. @throws {SourceMissingError} */
export function datasetSource(source: string, { site, datasets = {} }: RunSources): ImageDatasetSpec {
  const given = Object.hasOwn(datasets, source) ? datasets[source] : undefined
  if (given) return given
  expectEmbedded('dataset', source)
  const [, name, split] = /^embedded:([\w-]+)\/([\w-]+)$/.exec(source) ?? []
  if (name && split) return { file: { url: new URL(EMBEDDED.datasets(name, split), site).href } }
  if (/^https?:/.test(source)) return { file: { url: source } }
  throw missing('dataset', source, Object.keys(datasets))
}

export interface ResolvedModel extends ModelSource {
  /** Of its files alone, see `modelHash`: what a recipe's `sha256` means. */
  readonly sha256: string
}

/**
 * A model's folder with its hash.
 * @throws {SourceMissingError} when the recipe names none that is there, or wants another hash.
 */
export async function resolveModel(
  { source, sha256: wanted, weights }: ModelRef,
  sources: RunSources,
  signal: AbortSignal,
): Promise<ResolvedModel> {
  const folder = modelFolder(source, sources)
  const hash = await modelHash(folder, sources.site, signal)
  if (hash === undefined) {
    throw new SourceMissingError(
      `model ${source}: expected config.json at ${'url' in folder ? folder.url : folder.name}, found none`,
    )
  }
  if (wanted !== undefined && wanted !== hash)
    throw new SourceMissingError(`model ${source}: expected SHA-256 ${wanted}, got ${hash}: the files differ`)
  const format = weights ?? 'f32' // other formats give other answers
  return {
    name: source,
    folder,
    hash: await jsonHash([hash, format]),
    sha256: hash,
    ...(weights ? { weights } : {}),
  }
}

/** Where a model lies. @throws {SourceMissingError} */
export function modelFolder(
  source: string,
  { site, models = {} }: Pick<RunSources, 'site' | 'models'>,
): FolderSpec {
  const given = Object.hasOwn(models, source) ? models[source] : undefined
  if (given) return given
  expectEmbedded('model', source)
  const [, name] = /^embedded:([\w-]+)$/.exec(source) ?? []
  if (name) return { url: new URL(EMBEDDED.models(name), site).href }
  if (/^https?:/.test(source)) return { url: source }
  const hub = hubAddress(source)
  if (hub !== undefined) return { url: hub }
  throw missing('model', source, Object.keys(models))
}

/** @throws {SourceMissingError} for what calls itself embedded and is not among what comes with the page. */
function expectEmbedded(kind: 'model' | 'dataset', source: string): void {
  const names = EMBEDDED.names[kind]
  if (source.startsWith('embedded:') && !names.includes(source))
    throw new SourceMissingError(`${kind} ${source}: expected one of ${names.join(', ')}`)
}

function missing(kind: string, source: string, given: readonly string[]): SourceMissingError {
  return new SourceMissingError(
    `${kind} ${source}: expected embedded:NAME, an address, or the name of one that is given (${given.join(', ') || 'none'})`,
  )
}
