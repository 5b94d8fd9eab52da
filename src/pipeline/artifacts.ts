import type { StageStore } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import type { RunOutput } from './run.ts'
import { scoredChunks } from './stages/score.ts'
import { ADAPTER_FILES, type TrainingRow } from './stages/train.ts'
import { funnelOf, summarize } from './summary.ts'

/** Takes one file of a run's results. @param path below the folder for results, one of `ARTIFACT_PATHS`. */
export type SendFile = (path: string, body: Blob) => Promise<void>

/** Writes a run's results as files: what the stages made in the last round, the adapter, and the summary. */
export async function sendArtifacts(output: RunOutput, store: Store, send: SendFile): Promise<void> {
  const last = output.rounds.at(-1)
  if (!last) return
  const { captions, scores, pairs, training } = last
  await send('captions.jsonl', await jsonLines(unitValues(captions.units)))
  await send('scores.jsonl', await jsonLines(scored(scores)))
  await send('pairs.jsonl', await jsonLines(pairRows(last)))
  const images = new Set<string>()
  for await (const [, made] of pairs.units.units()) for (const { imageHash } of made) images.add(imageHash)
  for (const hash of images) {
    const bytes = await store.images.get(hash)
    if (bytes) await send(`images/${hash}`, new Blob([bytes]))
  }
  const metrics = ((await training.units.get('metrics')) ?? []) as readonly StepMetrics[]
  await send('metrics.jsonl', lines(metrics))
  for (const name of ADAPTER_FILES) await send(`adapter/${name}`, new Blob([output.adapter.files[name]]))
  await send('funnel.json', json(funnelOf(output)))
  await send('evaluation.json', json(output.evaluation.summary))
  await send('summary.json', json(summarize(output)))
}

async function* unitValues<T, S>(units: StageStore<readonly T[], S>): AsyncGenerator<T> {
  for await (const [, values] of units.units()) yield* values
}

async function* scored(scores: Parameters<typeof scoredChunks>[0]): AsyncGenerator<unknown> {
  for await (const [, { candidates }] of scoredChunks(scores)) yield* candidates
}

/** The pairs in TRL's columns, what CLIP said of them beside. */
async function* pairRows({ pairs }: RunOutput['rounds'][number]): AsyncGenerator<unknown> {
  for await (const [, made] of pairs.units.units()) {
    for (const { images, imageHash, prompt, chosen, rejected, context, ...rest } of made) {
      const say = (text: string): TrainingRow['chosen'] => [{ role: 'assistant', content: text.trim() }]
      const texts =
        context === undefined
          ? { prompt: [{ role: 'user', content: prompt }], chosen: say(chosen), rejected: say(rejected) }
          : { prompt, context, chosen, rejected }
      yield { images: [`images/${imageHash}`], name: images[0], ...texts, ...rest }
    }
  }
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
