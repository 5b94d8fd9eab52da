import { dirname, resolve } from 'node:path'
import { ARTIFACT_PATHS } from '../pipeline/artifact-paths.ts'
import { localSources } from './local-sources.ts'
import { otherWriters, readRecipe } from './recipe-file.ts'
import type { RunRequest } from './requests.ts'
import { runResumably } from './resumable.ts'
import { formatResult } from './run-report.ts'

/**
 * Runs a recipe in a headless browser, shows how it goes, and writes its results.
 * @returns `stopped` when it was broken off: the same command goes on where it was.
 * @throws {UsageError} when the recipe or something it names is missing or wrong.
 */
export async function runHeadless(request: RunRequest): Promise<'done' | 'stopped'> {
  const { path, json, parsed } = readRecipe(request.recipe)
  const out = resolve(request.out)
  const { policy, clip, dataset, evaluate } = parsed
  const local = localSources({
    models: [policy.source, clip.source, ...otherWriters(parsed)],
    datasets: [dataset, evaluate.dataset, evaluate.zero_shot, evaluate.shown].flatMap(
      (place) => place?.source ?? [],
    ),
    base: dirname(path),
  })
  const result = await runResumably(
    { out, read: local.folders, names: ARTIFACT_PATHS, isHeaded: request.isHeaded },
    (session) =>
      session.call('run', {
        recipe: json,
        sources: local.sources(session),
        out: session.url('out', ''),
      }),
  )
  if (!result) return 'stopped'
  process.stdout.write(`${formatResult(result, out)}\n`)
  return 'done'
}
