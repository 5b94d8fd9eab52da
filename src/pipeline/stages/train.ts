import { sha256 } from '../../data/sha256.ts'
import { type TrainingRow, trainingRow } from '../../method/pair-row.ts'
import type { StepMetrics, TrainJob } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import type { PolicyClient } from '../client.ts'
import { jsonHash } from '../hash.ts'
import { imageFile } from '../image-file.ts'
import {
  type AdapterFiles,
  type AdapterSource,
  adapterFolder,
  type ModelSource,
  type RunModels,
} from '../models.ts'
import type { Recipe } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { PairOutput } from './pair.ts'

/** PEFT's names. */
export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const

/** Training went wrong, and why; its last state that was well is kept. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError'
}

export interface TrainSummary {
  readonly steps: number
  readonly pairs: number
  /** Of the adapter's files. */
  readonly adapterHash: string
}

/** Unit `adapter` holds PEFT's files, unit `metrics` the steps. */
export type TrainUnit = AdapterFiles | readonly StepMetrics[]
export type TrainOutput = StageOutput<TrainUnit, TrainSummary>

/** DPO on the pairs, from the last round's adapter or a new one. */
export async function trainStage(
  context: StageContext,
  models: RunModels,
  { config, peft }: Recipe['train'],
  {
    pairs,
    policy,
    adapter,
    round,
  }: {
    pairs: PairOutput
    policy: ModelSource
    adapter?: AdapterSource
    round: number
  },
): Promise<TrainOutput> {
  const spec = {
    stage: 'train',
    kind: 'results',
    version: 1,
    round,
    settings: { config, peft },
    inputs: { pairs: pairs.hash, policy: policy.hash, ...(adapter ? { adapter: adapter.hash } : {}) },
  } as const
  const output = await runStage<TrainUnit, TrainSummary>(context, spec, async (units, progress) => {
    if (pairs.summary.pairs === 0) {
      throw new TrainingError(
        'train: expected at least one preference pair, got none: the funnel shows which rule took them; relax it',
      )
    }
    const client = await models.policy()
    const { rows, images } = await trainingRows(context, pairs)
    const checkpoints = await context.run.checkpoints(units.hash)
    const latest = await checkpoints.latest()
    const kept = ((await units.get('metrics')) ?? []) as readonly StepMetrics[]
    let metrics = kept.filter(({ step }) => step <= (latest?.step ?? 0))
    // Without the figures of all its steps a checkpoint would leave a gap in them.
    const checkpoint = latest && metrics.length === latest.step ? latest : undefined
    if (!checkpoint) metrics = []
    let totalSteps = 0
    let saving: Promise<void> = Promise.resolve()
    let failure: { readonly reason: unknown } | undefined
    const save = (step: number, bytes: Uint8Array<ArrayBuffer>): void => {
      const seen = metrics
      // One after the other, metrics first. What cannot be kept ends the training in order, before more of it is lost.
      saving = saving
        .then(() => units.put('metrics', seen))
        .then(() => checkpoints.save({ step, bytes }))
        .catch(async (reason: unknown) => {
          failure ??= { reason }
          await client.stop()
        })
    }
    const job: TrainJob = {
      rows,
      images: { name: 'images', files: images },
      config,
      ...(adapter ? { adapter: adapterFolder(adapter.files) } : { peft }),
      ...(checkpoint
        ? { checkpoint: { name: 'checkpoint', blob: new Blob([checkpoint.bytes]) }, history: metrics }
        : {}),
      checkpointSteps: 5,
    }
    const outcome = await stoppable(context.signal, client, () =>
      client.train(job, (event) => {
        switch (event.kind) {
          case 'pairs':
            progress(event.done, pairs.summary.pairs, 'pairs read')
            break
          case 'reference':
            progress(event.done, event.total, 'reference log-probabilities')
            break
          case 'start':
            totalSteps = event.totalSteps
            break
          case 'step': {
            metrics = [...metrics, event.metrics]
            const { step, loss } = event.metrics
            context.emit({ kind: 'step', stage: 'train', round, metrics: event.metrics, totalSteps })
            progress(step, totalSteps, 'steps', `loss ${loss.toFixed(3)}`)
            break
          }
          case 'checkpoint':
            save(event.step, event.file)
        }
      }),
    )
    const { status, step, ailment, adapter: files } = outcome
    if (status === 'stopped') save(step, outcome.checkpoint)
    await saving
    if (status === 'stopped') throw failure ? failure.reason : context.signal.reason
    if (status === 'unhealthy')
      throw new TrainingError(`train: stopped after step ${step}: ${ailment?.message}`)
    await units.put('metrics', metrics)
    await units.put('adapter', files)
    return { steps: step, pairs: pairs.summary.pairs, adapterHash: await adapterHash(files) }
  })
  await (await context.run.checkpoints(output.hash)).clear() // only now is the result itself kept
  return output
}

/** Ends a training in order when its run is cancelled, so that the step under way is not lost. */
async function stoppable<T>(signal: AbortSignal, client: PolicyClient, work: () => Promise<T>): Promise<T> {
  return await cancellable(signal, { cancel: () => client.stop() }, work)
}

/** The trained adapter of a stage that has ended. */
export async function trainedAdapter({ units, hash }: TrainOutput): Promise<AdapterSource> {
  const files = (await units.get('adapter')) as AdapterFiles | undefined
  if (!files)
    throw new TrainingError(
      `train ${hash}: expected the adapter in the store, found none; run the stage again`,
    )
  return { files, hash: await adapterHash(files) }
}

export async function adapterHash(files: AdapterFiles): Promise<string> {
  return await jsonHash([files['adapter_config.json'], await sha256(files['adapter_model.safetensors'])])
}

async function trainingRows(
  { store, signal }: StageContext,
  pairs: PairOutput,
): Promise<{ rows: TrainingRow[]; images: Record<string, Blob> }> {
  const rows: TrainingRow[] = []
  const images: Record<string, Blob> = {}
  for await (const [, made] of pairs.units.units()) {
    signal.throwIfAborted()
    for (const pair of made) {
      const path = pair.imageHash
      const file = { hash: pair.imageHash, name: pair.images[0] ?? path }
      if (!images[path]) images[path] = ((await imageFile(store, file)) as { blob: Blob }).blob
      rows.push(trainingRow(pair, path))
    }
  }
  return { rows, images }
}
