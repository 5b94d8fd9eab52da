import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { hubAddress } from '../pipeline/hub.ts'
import type { RunSources } from '../pipeline/sources.ts'
import type { HeadlessSession } from './headless.ts'
import { UsageError } from './usage-error.ts'

/** Folders and files of this computer, and how the page reaches them by the names they have in a recipe or on a command line. */
export interface LocalSources {
  /** To be shared. */
  readonly folders: Readonly<Record<string, string>>
  sources(session: HeadlessSession): Omit<RunSources, 'site'>
}

/** What is named: models and data sets, of which `embedded:` ones, addresses and the hub's are none of this computer. */
export interface Named {
  readonly models?: readonly string[]
  readonly datasets?: readonly string[]
  /** The folder from which paths start. */
  readonly base: string
}

/** @throws {UsageError} when something named is not there. */
export function localSources(...places: readonly Named[]): LocalSources {
  const folders: Record<string, string> = {}
  const share = (source: string): string => {
    const name = `given${Object.keys(folders).length}`
    folders[name] = source
    return name
  }
  const modelNames = new Map<string, string>()
  const datasetPlaces = new Map<string, { path: string; isFolder: boolean; name: string }>()
  for (const { base, models = [], datasets = [] } of places) {
    for (const source of models.filter(isLocal)) {
      const path = resolve(base, source)
      const known = modelNames.get(source)
      if (known !== undefined) {
        if (folders[known] === path) continue
        throw new UsageError(
          `${source}: expected one model, got ${folders[known]} and ${path}: name one by its whole path`,
        )
      }
      if (existsSync(join(path, 'config.json'))) modelNames.set(source, share(path))
      else if (hubAddress(source) === undefined)
        throw new UsageError(
          `${source}: expected a model in the Hugging Face layout, found no config.json in ${path}`,
        )
    }
    for (const source of datasets.filter(isLocal)) {
      const path = resolve(base, source)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat) throw new UsageError(`${source}: expected pictures, found nothing at ${path}`)
      const isFolder = stat.isDirectory()
      datasetPlaces.set(source, { path, isFolder, name: share(isFolder ? path : dirname(path)) })
    }
  }
  return {
    folders,
    sources: (session) => ({
      models: Object.fromEntries(
        [...modelNames].map(([source, name]) => [source, { url: session.url(name) }]),
      ),
      datasets: Object.fromEntries(
        [...datasetPlaces].map(([source, { path, isFolder, name }]) => [
          source,
          isFolder
            ? { folder: { url: session.url(name), paths: filesBelow(path) } }
            : {
                file: { url: session.url(name, basename(path)) },
                folder: { url: session.url(name) },
              },
        ]),
      ),
    }),
  }
}

function isLocal(source: string): boolean {
  return !/^(embedded:|https?:)/.test(source)
}

/** Paths of all files below a folder, with `/` on every system; links are followed, what is hidden is left out. */
export function filesBelow(folder: string): string[] {
  const found: string[] = []
  const walk = (at: string, prefix: string, above: readonly string[]): void => {
    const own = realpathSync(at)
    if (above.includes(own)) return // a link back to a folder it lies in
    for (const name of readdirSync(at)) {
      if (name.startsWith('.')) continue
      const path = join(at, name)
      const stat = existsSync(path) ? statSync(path) : undefined // a link to nothing does not exist
      if (stat?.isDirectory()) walk(path, `${prefix}${name}/`, [...above, own])
      else if (stat?.isFile()) found.push(prefix + name)
    }
  }
  walk(folder, '', [])
  return found
}
