import { sha256 } from '../../data/sha256.ts'
import { type TrainingRow, trainingRow } from '../../method/pair-row.ts'
import type { PeftFiles, StepMetrics, TrainEvent, TrainJob } from '../../workers/policy.api.ts'
import { cancellable } from '../cancellable.ts'
import type { PolicyClient } from '../client.ts'
import { jsonHash } from '../hash.ts'
import { imageBytes } from '../image-file.ts'
import { jsonLines } from '../json-blobs.ts'
import { type AdapterSource, adapterFolder, type ModelSource, type RunModels } from '../models.ts'
import type { Recipe } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import type { PairOutput } from './pair.ts'
import { readSteps, StepLog } from './step-log.ts'
import {
  isKeptOnTheWay,
  stateUnit,
  type WatchedTraining,
  type WatchInputs,
  watchedPictures,
  watchSettings,
} from './watch.ts'

/** PEFT's names. */
export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const

/** Training went wrong, and why; its last state that was well is kept. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError'
}

export interface TrainSummary {
  readonly steps: number
  readonly pairs: number
  /** Time from one step to the next, the median of those since training was taken up; undefined for fewer than two steps. */
  readonly stepSeconds?: number
  /** Of the adapter's files. */
  readonly adapterHash: string
}

/** Unit `adapter` holds PEFT's files, units with numbers the steps (see `StepLog`), `watched` answers on the way, `stateUnit` adapters on the way. */
export type TrainUnit = PeftFiles | readonly StepMetrics[] | WatchedTraining
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
    watch,
    round,
  }: {
    pairs: PairOutput
    policy: ModelSource
    adapter?: AdapterSource
    watch: WatchInputs
    round: number
  },
): Promise<TrainOutput> {
  const spec = {
    stage: 'train',
    kind: 'results',
    version: 2,
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
    const checkpoints = await context.run.checkpoints(units.hash)
    const checkpoint = await checkpoints.latest()
    const history = (await readSteps(units)).filter(({ step }) => step <= (checkpoint?.step ?? 0))
    const log = new StepLog(units, history)
    const pictures = await watchedPictures(watch.datasets)
    const seen = (await units.get('watched')) as WatchedTraining | undefined
    let states = (seen?.states ?? []).filter(({ step }) => step <= (checkpoint?.step ?? -1))
    let totalSteps = 0
    const stepTimes: number[] = []
    let saving: Promise<void> = Promise.resolve()
    let failure: { readonly reason: unknown } | undefined
    // One after the other. What cannot be kept ends the training in order, before more of it is lost.
    const keep = (work: () => Promise<void>): void => {
      saving = saving.then(work).catch(async (reason: unknown) => {
        failure ??= { reason }
        await client.stop()
      })
    }
    const save = (step: number, bytes: Uint8Array<ArrayBuffer>): void => {
      keep(async () => {
        await log.save() // first, so that no checkpoint is without the figures of its steps
        await checkpoints.save({ step, bytes })
      })
    }
    const look = ({ step, answers, adapter: files }: Extract<TrainEvent, { kind: 'watched' }>): void => {
      const isKept = isKeptOnTheWay(files['adapter_model.safetensors'])
      states = [...states.filter((state) => state.step !== step), { step, answers, isKept }]
      const watched = { prompt: watch.prompt, pictures, states }
      keep(async () => {
        if (isKept) await units.put(stateUnit(step), files)
        const hashes = pictures.map(({ hash }) => hash)
        await units.put('watched', watched, { images: hashes, thumbnails: hashes })
        context.emit({ kind: 'watched', stage: 'train', round, step })
      })
    }
    const job: TrainJob = {
      data: { name: 'pairs', blob: await jsonLines(trainingRows(pairs)) },
      config,
      ...(adapter ? { adapter: adapterFolder(adapter.files) } : { peft }),
      ...(checkpoint
        ? { checkpoint: { name: 'checkpoint', blob: new Blob([checkpoint.bytes]) }, history }
        : {}),
      watch: await watchSettings(context, watch, pictures),
    }
    /** The bar is the steps': what comes before them is told in words, so that it never goes back. */
    const prepare = (done: number, total: number, what: string): void =>
      progress(0, 0, '', `${done} of ${total} ${what}`)
    const onEvent = (event: TrainEvent): void => {
      switch (event.kind) {
        case 'pairs':
          prepare(event.done, pairs.summary.pairs, 'pairs are read')
          break
        case 'reference':
          prepare(event.done, event.total, 'answers are rated by the model as it was')
          break
        case 'start':
          totalSteps = event.totalSteps
          break
        case 'step': {
          log.add(event.metrics)
          const { step, loss } = event.metrics
          context.emit({ kind: 'step', stage: 'train', round, metrics: event.metrics, totalSteps })
          stepTimes.push(performance.now())
          const memory = `${Math.ceil(event.gpuBytes / 2 ** 20)} MiB of GPU memory`
          progress(step, totalSteps, 'steps', `loss ${loss.toFixed(3)}, ${memory}`)
          break
        }
        case 'watched':
          look(event)
          break
        case 'checkpoint':
          save(event.step, event.file)
      }
    }
    const readImage = (hash: string) => imageBytes(context.store, { hash, name: hash })
    const outcome = await stoppable(context.signal, client, () => client.train(job, onEvent, readImage))
    const { status, step, ailment, adapter: files } = outcome
    if (status === 'stopped') save(step, outcome.checkpoint)
    await saving
    if (status === 'stopped') throw failure ? failure.reason : context.signal.reason
    if (status === 'unhealthy')
      throw new TrainingError(`train: stopped after step ${step}: ${ailment?.message}`)
    await log.save()
    await units.put('adapter', files)
    const stepSeconds = medianGap(stepTimes)
    return {
      steps: step,
      pairs: pairs.summary.pairs,
      ...(stepSeconds === undefined ? {} : { stepSeconds }),
      adapterHash: await adapterHash(files),
    }
  })
  await (await context.run.checkpoints(output.hash)).clear() // only now is the result itself kept
  return output
}

/** @param times milliseconds. @returns seconds. */
function medianGap(times: readonly number[]): number | undefined {
  const gaps = times.slice(1).map((time, i) => (time - (times[i] ?? time)) / 1000)
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]
}

/** Ends a training in order when its run is cancelled, so that the step under way is not lost. */
async function stoppable<T>(signal: AbortSignal, client: PolicyClient, work: () => Promise<T>): Promise<T> {
  return await cancellable(signal, { cancel: () => client.stop() }, work)
}

/** The trained adapter of a stage that has ended. @throws {IncompleteStageError} when it turns out damaged. */
export async function trainedAdapter({ units }: Pick<TrainOutput, 'units'>): Promise<AdapterSource> {
  const files = (await units.expect('adapter')) as PeftFiles
  return { files, hash: await adapterHash(files) }
}

export async function adapterHash(files: PeftFiles): Promise<string> {
  return await jsonHash([files['adapter_config.json'], await sha256(files['adapter_model.safetensors'])])
}

/** Their pictures are named by hash. */
async function* trainingRows({ units }: PairOutput): AsyncGenerator<TrainingRow> {
  for await (const [, made] of units.units()) yield* made.map((pair) => trainingRow(pair, pair.imageHash))
}
