import { basename, dirname, join, resolve } from 'node:path'
import { localSources } from './local-sources.ts'
import { expectFile, expectFolder } from './paths.ts'
import { DEFAULT_RECIPE, otherWriters, readRecipe } from './recipe-file.ts'
import type { CaptionRequest, EvaluateRequest, ScoreRequest, WeightsFlag } from './requests.ts'
import { runResumably } from './resumable.ts'
import { formatEvaluation } from './run-report.ts'

const PICTURE = /^images\/[0-9a-f]{64}$/

/** How a stage ended; `stopped` can be continued by the same command. */
export type StageEnd = 'done' | 'stopped'

/**
 * Writes candidates about pictures in a headless browser.
 * @throws {UsageError} when what the command names is missing or wrong.
 */
export async function captionHeadless(request: CaptionRequest): Promise<StageEnd> {
  const { model, images, skip, limit, share, round, recipe = DEFAULT_RECIPE } = request
  const out = resolve(request.out)
  const { json, path, parsed } = readRecipe(recipe)
  const local = localSources(
    { models: [model], datasets: [images], base: process.cwd() },
    { models: otherWriters(parsed), base: dirname(path) },
  )
  const adapter = adapterFolder(request.adapter)
  const work = { out, read: { ...local.folders, ...adapter }, names: ['captions.jsonl', PICTURE] }
  const summary = await runResumably(work, (session) =>
    session.call('caption', {
      recipe: json,
      model: modelRef(request),
      ...(adapter ? { adapter: { url: session.url('adapter') } } : {}),
      images: { source: images, skip, limit, share },
      round,
      results: { url: session.url('out') },
      sources: local.sources(session),
      out: session.url('out', ''),
    }),
  )
  if (!summary) return 'stopped'
  const { candidates, merged } = summary
  said(
    `wrote ${join(out, 'captions.jsonl')}: ${candidates} candidates, ${merged} more were the same as others`,
  )
  return 'done'
}

/** Scores candidates by CLIP in a headless browser. @throws {UsageError} when what the command names is missing or wrong. */
export async function scoreHeadless(request: ScoreRequest): Promise<StageEnd> {
  const { clip, data, images, recipe = DEFAULT_RECIPE } = request
  const out = resolve(request.out)
  const { json } = readRecipe(recipe)
  expectFile('--data', data)
  if (images !== undefined) expectFolder('--images', images)
  const local = localSources({ models: [clip], base: process.cwd() })
  const pictures = {
    data: dirname(resolve(data)),
    ...(images === undefined ? {} : { images: resolve(images) }),
  }
  const work = { out, read: { ...local.folders, ...pictures }, names: ['scores.jsonl', PICTURE] }
  const summary = await runResumably(work, (session) =>
    session.call('score', {
      recipe: json,
      clip: { source: clip },
      data: { url: session.url('data', basename(data)) },
      pictures: Object.keys(pictures).map((name) => ({ url: session.url(name) })),
      results: { url: session.url('out') },
      sources: local.sources(session),
      out: session.url('out', ''),
    }),
  )
  if (!summary) return 'stopped'
  const { scored, pastContext, empty } = summary
  said(
    `wrote ${join(out, 'scores.jsonl')}: ${scored} scored, ${pastContext} longer than CLIP's context, ${empty} without words`,
  )
  return 'done'
}

/**
 * Measures a model on pictures whose truth is known, in a headless browser.
 * @throws {UsageError} when what the command names is missing or wrong.
 */
export async function evaluateHeadless(request: EvaluateRequest): Promise<StageEnd> {
  const { model, data, skip, limit, share, zeroShot, recipe = DEFAULT_RECIPE } = request
  const out = resolve(request.out)
  const { json } = readRecipe(recipe)
  const local = localSources({
    models: [model, ...(zeroShot ? [zeroShot.clip] : [])],
    datasets: [data, ...(zeroShot ? [zeroShot.data] : [])],
    base: process.cwd(),
  })
  const adapter = adapterFolder(request.adapter)
  const work = { out, read: { ...local.folders, ...adapter }, names: ['evaluation.json'] }
  const summary = await runResumably(work, (session) =>
    session.call('evaluate', {
      recipe: json,
      model: modelRef(request),
      ...(adapter ? { adapter: { url: session.url('adapter') } } : {}),
      data: { source: data, skip, limit, share },
      ...(zeroShot
        ? { zeroShot: { data: { source: zeroShot.data, skip: 0 }, clip: { source: zeroShot.clip } } }
        : {}),
      sources: local.sources(session),
      out: session.url('out', ''),
    }),
  )
  if (!summary) return 'stopped'
  said(formatEvaluation(summary, out))
  return 'done'
}

function modelRef({ model, weights }: { readonly model: string; readonly weights?: WeightsFlag }) {
  return { source: model, ...(weights === undefined ? {} : { weights }) }
}

function adapterFolder(adapter: string | undefined): { adapter: string } | undefined {
  if (adapter === undefined) return undefined
  expectFolder('--adapter', adapter)
  return { adapter: resolve(adapter) }
}

function said(text: string): void {
  process.stdout.write(`${text}\n`)
}
