import type { ScoredRow } from '../data/candidates.ts'
import type { LazyFile } from '../data/zip-writer.ts'
import { pairRow } from '../method/pair-row.ts'
import type { StageStore } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import { answerRows } from './answer-rows.ts'
import { imageBytes } from './image-file.ts'
import { jsonBlob, jsonLines } from './json-blobs.ts'
import type { AdapterSource } from './models.ts'
import { pinnedRecipe } from './pinned-recipe.ts'
import { candidatesOf, type RoundOutput, type RunOutput } from './run.ts'
import type { CaptionOutput } from './stages/caption.ts'
import type { DatasetOutput } from './stages/dataset.ts'
import type { PairOutput } from './stages/pair.ts'
import { type ScoreOutput, scoredChunks } from './stages/score.ts'
import { readSteps } from './stages/step-log.ts'
import { ADAPTER_FILES, type TrainOutput, trainedAdapter } from './stages/train.ts'
import { funnelOf, summarize } from './summary.ts'

/** Takes one file of a run's results. @param path below the folder for results, one of `ARTIFACT_PATHS`. */
export type SendFile = (path: string, body: Blob) => Promise<void>

/** Makes files one after the other and sends them. @throws what reading and sending throw. */
export async function sendFiles(
  files: Iterable<LazyFile> | AsyncIterable<LazyFile>,
  send: SendFile,
): Promise<void> {
  for await (const { path, read } of files) await send(path, await read())
}

/** Writes a run's results as files, pictures too. @throws as `artifacts` and `pairPictures`. */
export async function sendArtifacts(output: RunOutput, store: Store, send: SendFile): Promise<void> {
  await sendFiles(artifacts(output), send)
  await sendFiles(pairPictures(output, store), send)
}

/**
 * A run's results as files: what the stages made in the last round, the adapter that was evaluated, the recipe, and the summary;
 * of rounds before the last the same under names with their number, such as `pairs.round1.jsonl`.
 * @throws {IncompleteStageError} when what is read turns out damaged.
 */
export function artifacts(output: RunOutput): LazyFile[] {
  const { rounds, evaluation } = output
  return [
    ...rounds.flatMap((round, i) =>
      i === rounds.length - 1
        ? roundArtifacts(round, '', async () => output.adapter)
        : roundArtifacts(round, `.round${i + 1}`, () => trainedAdapter(round.training)),
    ),
    { path: 'answers.jsonl', read: () => jsonLines(answerRows(output)) },
    { path: 'funnel.json', read: async () => jsonBlob(funnelOf(output)) },
    { path: 'evaluation.json', read: async () => jsonBlob(evaluation.summary) },
    { path: 'recipe.json', read: async () => jsonBlob(pinnedRecipe(output)) },
    { path: 'summary.json', read: async () => jsonBlob(summarize(output)) },
  ]
}

function roundArtifacts(round: RoundOutput, mark: string, adapter: () => Promise<AdapterSource>): LazyFile[] {
  const { scores, pairs, training } = round
  return [
    captionsFile(candidatesOf(round), mark),
    scoresFile(scores, mark),
    { path: `pairs${mark}.jsonl`, read: () => jsonLines(pairRows(pairs)) },
    { path: `metrics${mark}.jsonl`, read: () => jsonLines(metricRows(training)) },
    ...ADAPTER_FILES.map((name) => ({
      path: `adapter${mark}/${name}`,
      read: async () => new Blob([(await adapter()).files[name]]),
    })),
  ]
}

/** Every text that was written about the pictures. @param mark in the name, for rounds before the last. */
export function captionsFile({ units }: CaptionOutput, mark = ''): LazyFile {
  return { path: `captions${mark}.jsonl`, read: () => jsonLines(unitValues(units)) }
}

/** The same with CLIP's scores. @param mark in the name, for rounds before the last. */
export function scoresFile(scores: ScoreOutput, mark = ''): LazyFile {
  return { path: `scores${mark}.jsonl`, read: () => jsonLines(scoredRows(scores)) }
}

/** The pictures of all rounds' pairs, as `images/HASH`. @throws {ImageMissingError} when one is read and not there. */
export async function* pairPictures({ rounds }: RunOutput, store: Store): AsyncGenerator<LazyFile> {
  const hashes = new Set<string>()
  for (const { pairs } of rounds)
    for await (const { imageHash } of unitValues(pairs.units)) hashes.add(imageHash)
  for (const hash of hashes) yield pictureFile(store, { hash, name: hash })
}

/**
 * The pictures of a data set, as `images/HASH`.
 * @param isThere says which to leave out.
 * @throws as `pairPictures`.
 */
export async function* datasetPictures(
  { units }: DatasetOutput,
  store: Store,
  isThere: (path: string) => Promise<boolean>,
): AsyncGenerator<LazyFile> {
  for await (const item of unitValues(units)) {
    const file = pictureFile(store, item)
    if (!(await isThere(file.path))) yield file
  }
}

function pictureFile(store: Store, picture: { readonly hash: string; readonly name: string }): LazyFile {
  return {
    path: `images/${picture.hash}`,
    read: async () => new Blob([await imageBytes(store, picture)]),
  }
}

async function* unitValues<T, S>(units: StageStore<readonly T[], S>): AsyncGenerator<T> {
  for await (const [, values] of units.units()) yield* values
}

async function* scoredRows(scores: ScoreOutput): AsyncGenerator<ScoredRow> {
  for await (const [, { candidates, imageText }] of scoredChunks(scores)) {
    for (const candidate of candidates) {
      const writing = imageText[candidate.imageHash]
      yield { ...candidate, ...(writing === undefined ? {} : { imageText: writing }) }
    }
  }
}

async function* pairRows({ units }: PairOutput): AsyncGenerator<unknown> {
  for await (const [, made] of units.units()) yield* made.map(pairRow)
}

async function* metricRows({ units }: TrainOutput): AsyncGenerator<StepMetrics> {
  yield* await readSteps(units, true)
}
