import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ARTIFACT_PATHS } from '../pipeline/artifact-paths.ts'
import { parseRecipe, type Recipe } from '../pipeline/recipe.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { type HeadlessSession, PageError, withHeadless } from './headless.ts'
import { ProgressLine } from './progress.ts'
import { RunDisplay } from './run-display.ts'
import { formatResult } from './run-report.ts'
import { stopOnSignal } from './stop-signal.ts'
import { type RunRequest, UsageError } from './usage.ts'

/** Where the browser keeps what a run has made so far, below its folder for results. */
const BROWSER_FOLDER = '.browser'
/** The package's own folder, for the recipes that come with it. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a recipe in a headless browser, shows how it goes, and writes its results.
 * @returns `stopped` when it was broken off: the same command goes on where it was.
 * @throws {UsageError} when the recipe or something it names is missing or wrong.
 */
export async function runHeadless(request: RunRequest): Promise<'done' | 'stopped'> {
  const path = recipePath(request.recipe)
  const recipe = readRecipe(path)
  const out = resolve(request.out)
  mkdirSync(out, { recursive: true })
  const local = localSources(recipe, dirname(path))
  const line = new ProgressLine(process.stderr)
  const display = new RunDisplay(line)
  const result = await withHeadless(
    { read: local.folders, write: { folder: out, names: ARTIFACT_PATHS } },
    (event) => {
      if (event.kind === 'run') display.show(event.event)
    },
    async (session) => {
      const stop = stopOnSignal(session, line)
      try {
        const sources = local.sources(session)
        return await session.call('run', { recipe: recipe.json, sources, out: session.url('out', '') })
      } catch (error) {
        if (stop.isAsked && error instanceof PageError && error.name === 'AbortError') return undefined
        throw error
      } finally {
        stop.release()
      }
    },
    { profile: join(out, BROWSER_FOLDER), isHeaded: request.isHeaded },
  )
  line.end()
  if (!result) {
    line.say('stopped; the same command continues')
    return 'stopped'
  }
  process.stdout.write(`${formatResult(result, out)}\n`)
  return 'done'
}

/** A recipe's file: as named, or one of those that come with the package. */
function recipePath(named: string): string {
  const path = [resolve(named), join(PACKAGE, named)].find((candidate) => existsSync(candidate))
  if (path === undefined) throw new UsageError(`expected a recipe, found none at ${named}`)
  return path
}

interface ReadRecipe {
  readonly json: unknown
  readonly parsed: Recipe
}

/** Checked here so that nothing is started for nothing. */
function readRecipe(path: string): ReadRecipe {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return { json, parsed: parseRecipe(json, path) }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(message.startsWith(path) ? message : `${path}: ${message}`, { cause })
  }
}

/** The folders and files of this computer that a recipe names, and how the page reaches them. */
function localSources(
  { parsed }: ReadRecipe,
  base: string,
): {
  readonly folders: Record<string, string>
  sources(session: HeadlessSession): Omit<RunSources, 'site'>
} {
  const folders: Record<string, string> = {}
  const share = (source: string): string => {
    const name = `given${Object.keys(folders).length}`
    folders[name] = source
    return name
  }
  const isLocal = (source: string): boolean => !/^(embedded:|https?:)/.test(source)
  const models = [parsed.policy, parsed.clip, ...parsed.captioners]
    .map(({ source }) => source)
    .filter(isLocal)
  const { dataset, evaluate } = parsed
  const datasets = [dataset, evaluate.dataset, ...(evaluate.zero_shot ? [evaluate.zero_shot] : [])]
    .map(({ source }) => source)
    .filter(isLocal)
  const modelNames = new Map(
    models.map((source) => {
      const path = resolve(base, source)
      if (!existsSync(join(path, 'config.json')))
        throw new UsageError(
          `${source}: expected a model in the Hugging Face layout, found no config.json in ${path}`,
        )
      return [source, share(path)]
    }),
  )
  const datasetPlaces = new Map(
    datasets.map((source) => {
      const path = resolve(base, source)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat) throw new UsageError(`${source}: expected pictures, found nothing at ${path}`)
      return [
        source,
        { path, isFolder: stat.isDirectory(), name: share(stat.isDirectory() ? path : dirname(path)) },
      ]
    }),
  )
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

/** Paths of all files below a folder, with `/` on every system. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
}
