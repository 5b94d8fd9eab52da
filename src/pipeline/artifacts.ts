import type { ScoredRow } from '../data/candidates.ts'
import { pairRow } from '../method/pair-row.ts'
import type { StageStore } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import { answerRows } from './answer-rows.ts'
import { imageBytes } from './image-file.ts'
import { jsonLines } from './json-lines.ts'
import type { AdapterSource } from './models.ts'
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

/** A file of a run's results, made when it is read. */
export interface Artifact {
  readonly path: string
  /** @throws {IncompleteStageError} and {ImageMissingError} when something turns out damaged. */
  read(): Promise<Blob>
}

/** Writes a run's results as files. @throws as `Artifact.read`. */
export async function sendArtifacts(output: RunOutput, store: Store, send: SendFile): Promise<void> {
  for (const { path, read } of artifacts(output)) await send(path, await read())
  for await (const { path, read } of pairPictures(output, store)) await send(path, await read())
}

/**
 * A run's results as files: what the stages made in the last round, the adapter that was evaluated, and the summary; of rounds
 * before the last the same under names with their number, such as `pairs.round1.jsonl`.
 */
export function artifacts(output: RunOutput): Artifact[] {
  const { rounds, evaluation } = output
  return [
    ...rounds.flatMap((round, i) =>
      i === rounds.length - 1
        ? roundArtifacts(round, '', async () => output.adapter)
        : roundArtifacts(round, `.round${i + 1}`, () => trainedAdapter(round.training)),
    ),
    { path: 'answers.jsonl', read: () => jsonLines(answerRows(output)) },
    { path: 'funnel.json', read: async () => json(funnelOf(output)) },
    { path: 'evaluation.json', read: async () => json(evaluation.summary) },
    { path: 'summary.json', read: async () => json(summarize(output)) },
  ]
}

function roundArtifacts(round: RoundOutput, mark: string, adapter: () => Promise<AdapterSource>): Artifact[] {
  const { scores, pairs, training } = round
  const rows = (name: string, of: () => AsyncIterable<unknown>): Artifact => ({
    path: `${name}${mark}.jsonl`,
    read: () => jsonLines(of()),
  })
  return [
    rows('captions', () => unitValues(candidatesOf(round).units)),
    rows('scores', () => scoredRows(scores)),
    rows('pairs', () => pairRows(pairs)),
    rows('metrics', () => metricRows(training)),
    ...ADAPTER_FILES.map((name) => ({
      path: `adapter${mark}/${name}`,
      read: async () => new Blob([(await adapter()).files[name]]),
    })),
  ]
}

/** The pictures of all rounds' pairs, as `images/HASH`. */
export async function* pairPictures({ rounds }: RunOutput, store: Store): AsyncGenerator<Artifact> {
  const hashes = new Set<string>()
  for (const { pairs } of rounds)
    for await (const { imageHash } of unitValues(pairs.units)) hashes.add(imageHash)
  for (const hash of hashes)
    yield { path: `images/${hash}`, read: () => pictureBlob(store, { hash, name: hash }) }
}

async function* unitValues<T, S>(units: StageStore<readonly T[], S>): AsyncGenerator<T> {
  for await (const [, values] of units.units()) yield* values
}

/** Writes `captions.jsonl`. */
export async function sendCaptions({ units }: CaptionOutput, send: SendFile): Promise<void> {
  await send('captions.jsonl', await jsonLines(unitValues(units)))
}

/** Writes `scores.jsonl`. */
export async function sendScores(scores: ScoreOutput, send: SendFile): Promise<void> {
  await send('scores.jsonl', await jsonLines(scoredRows(scores)))
}

/** Writes the pictures of a data set as `images/HASH`. @param isThere says of which not to. */
export async function sendPictures(
  { units }: DatasetOutput,
  store: Store,
  send: SendFile,
  isThere: (path: string) => Promise<boolean>,
): Promise<void> {
  for await (const [, items] of units.units()) {
    for (const { hash, name } of items) {
      const path = `images/${hash}`
      if (await isThere(path)) continue
      await send(path, await pictureBlob(store, { hash, name }))
    }
  }
}

async function pictureBlob(store: Store, picture: { hash: string; name: string }): Promise<Blob> {
  return new Blob([await imageBytes(store, picture)])
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

function json(value: unknown): Blob {
  return new Blob([`${JSON.stringify(value, null, 2)}\n`])
}
