import { type LazyFile, zipFiles } from '../data/zip-writer.ts'
import type { Store } from '../store/store.ts'
import { artifacts, pairPictures } from './artifacts.ts'
import type { RunOutput } from './run.ts'
import type { ArchiveOptions } from './runner.api.ts'

const PICTURES = 'images/'

/** Packs a run's results, and makes only those that are asked for. @throws as `zipFiles` and `artifacts`. */
export async function runArchive(
  output: RunOutput,
  store: Store,
  { folder, parts, more = [] }: ArchiveOptions,
): Promise<Blob> {
  const isWanted = (path: string): boolean =>
    parts?.some((part) => path === part || (part.endsWith('/') && path.startsWith(part))) ?? true
  async function* files(): AsyncGenerator<LazyFile> {
    for (const { path, blob } of more) yield { path, read: async () => blob }
    yield* artifacts(output).filter(({ path }) => isWanted(path))
    if (isWanted(PICTURES)) yield* pairPictures(output, store)
  }
  async function* inFolder(): AsyncGenerator<LazyFile> {
    for await (const { path, read } of files()) yield { path: `${folder}/${path}`, read }
  }
  return await zipFiles(inFolder())
}

/** One of a run's results, but for pictures, by its path; undefined where there is none. */
export async function runFile(output: RunOutput, path: string): Promise<Blob | undefined> {
  return await artifacts(output)
    .find((file) => file.path === path)
    ?.read()
}
