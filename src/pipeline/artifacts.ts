import type { ScoredRow } from '../data/candidates.ts'
import { pairRow } from '../method/pair-row.ts'
import type { StageStore } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import { imageFile } from './image-file.ts'
import type { AdapterSource } from './models.ts'
import { candidatesOf, type RoundOutput, type RunOutput } from './run.ts'
import type { CaptionOutput } from './stages/caption.ts'
import type { DatasetOutput } from './stages/dataset.ts'
import type { PairOutput } from './stages/pair.ts'
import { type ScoreOutput, scoredChunks } from './stages/score.ts'
import { ADAPTER_FILES, trainedAdapter } from './stages/train.ts'
import { funnelOf, summarize } from './summary.ts'

/** Takes one file of a run's results. @param path below the folder for results, one of `ARTIFACT_PATHS`. */
export type SendFile = (path: string, body: Blob) => Promise<void>

/**
 * Writes a run's results as files: what the stages made in the last round, the adapter that was evaluated, and the summary; of rounds before the
 * last the same under names with their number, such as `pairs.round1.jsonl`.
 * @throws {IncompleteStageError} and {ImageMissingError} when something turns out damaged.
 */
export async function sendArtifacts(output: RunOutput, store: Store, send: SendFile): Promise<void> {
  const images = new Set<string>()
  for (const [i, round] of output.rounds.entries()) {
    const isLast = i === output.rounds.length - 1
    const adapter = isLast ? output.adapter : await trainedAdapter(round.training)
    await sendRound(round, adapter, isLast ? '' : `.round${i + 1}`, send)
    for await (const [, made] of round.pairs.units.units())
      for (const { imageHash } of made) images.add(imageHash)
  }
  for (const hash of images) {
    await send(`images/${hash}`, ((await imageFile(store, { hash, name: hash })) as { blob: Blob }).blob)
  }
  await send('funnel.json', json(funnelOf(output)))
  await send('evaluation.json', json(output.evaluation.summary))
  await send('summary.json', json(summarize(output)))
}

async function sendRound(
  round: RoundOutput,
  { files }: AdapterSource,
  mark: string,
  send: SendFile,
): Promise<void> {
  const { scores, pairs, training } = round
  await sendCaptions(candidatesOf(round), send, mark)
  await sendScores(scores, send, mark)
  await send(`pairs${mark}.jsonl`, await jsonLines(pairRows(pairs)))
  const metrics = (await training.units.expect('metrics')) as readonly StepMetrics[]
  await send(`metrics${mark}.jsonl`, lines(metrics))
  for (const name of ADAPTER_FILES) await send(`adapter${mark}/${name}`, new Blob([files[name]]))
}

async function* unitValues<T, S>(units: StageStore<readonly T[], S>): AsyncGenerator<T> {
  for await (const [, values] of units.units()) yield* values
}

/** Writes `captions.jsonl`. */
export async function sendCaptions({ units }: CaptionOutput, send: SendFile, mark = ''): Promise<void> {
  await send(`captions${mark}.jsonl`, await jsonLines(unitValues(units)))
}

/** Writes `scores.jsonl`. */
export async function sendScores(scores: ScoreOutput, send: SendFile, mark = ''): Promise<void> {
  await send(`scores${mark}.jsonl`, await jsonLines(scoredRows(scores)))
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
      await send(path, ((await imageFile(store, { hash, name })) as { blob: Blob }).blob)
    }
  }
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

/** Lines are joined a few thousand at a time, so that a large file is a blob of parts and never one string. */
async function jsonLines(rows: AsyncIterable<unknown>): Promise<Blob> {
  const parts: Blob[] = []
  const part: string[] = []
  for await (const row of rows) {
    part.push(`${JSON.stringify(row)}\n`)
    if (part.length === 4096) parts.push(new Blob(part.splice(0)))
  }
  return new Blob([...parts, ...part])
}

function lines(rows: readonly unknown[]): Blob {
  return new Blob(rows.map((row) => `${JSON.stringify(row)}\n`))
}

function json(value: unknown): Blob {
  return new Blob([`${JSON.stringify(value, null, 2)}\n`])
}
