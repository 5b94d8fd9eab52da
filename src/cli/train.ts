import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type LoraConfig, parseLoraConfig } from '../data/peft.ts'
import { parseTrainerConfig, type TrainerConfig } from '../method/trainer-config.ts'
import type { StepMetrics } from '../pipeline/events.ts'
import { trainingUse } from '../pipeline/expected-use.ts'
import type { HeadlessEvent } from '../pipeline/headless.ts'
import { TRAINING_FILES, type TrainingEnd } from '../pipeline/send-training.ts'
import { type HeadlessSession, withHeadless } from './headless.ts'
import { localSources } from './local-sources.ts'
import { loadOptions, showLoading } from './model-progress.ts'
import { expectFile, expectFolder } from './paths.ts'
import { formatSeconds, Pace, ProgressLine } from './progress.ts'
import type { TrainRequest } from './requests.ts'
import { BROWSER_FOLDER, endOf } from './resumable.ts'
import { stopOnSignal } from './stop-signal.ts'
import { UsageError } from './usage-error.ts'

const METRICS = 'metrics.jsonl'

/**
 * Trains an adapter in a headless browser and writes it, PEFT's two files, with a line of TRL's metrics a step.
 * @returns `stopped` where the same command continues.
 * @throws {UsageError} when files or settings that the command names are missing or wrong.
 */
export async function trainHeadless(request: TrainRequest): Promise<'done' | 'stopped'> {
  const { config, peft } = readConfig(request)
  const local = localSources({ models: [request.model], base: process.cwd() })
  expectFile('--data', request.data)
  if (request.adapter !== undefined) expectFolder('--adapter', request.adapter)
  const out = resolve(request.out)
  mkdirSync(out, { recursive: true })
  const { config: adapterConfig, weights, checkpoint, lastGood } = TRAINING_FILES
  const adapterFiles = [adapterConfig, weights]
  const folders = {
    read: {
      ...local.folders,
      data: dirname(resolve(request.data)),
      out,
      ...(request.adapter === undefined ? {} : { adapter: request.adapter }),
    },
    write: {
      folder: out,
      names: [...adapterFiles, checkpoint, ...adapterFiles.map((name) => `${lastGood}/${name}`)],
    },
  }
  const line = new ProgressLine(process.stderr)
  const onEvent = follow(line, join(out, METRICS))
  const profile = join(out, BROWSER_FOLDER) // keeps image features and the reference, until the training is done
  const train = async (session: HeadlessSession): Promise<TrainingEnd | undefined> => {
    const stop = stopOnSignal(session, line)
    try {
      const isResumed = existsSync(join(out, checkpoint))
      if (isResumed) line.say(`continuing from ${join(out, checkpoint)}`)
      return await session.call('train', {
        model: request.model,
        sources: local.sources(session),
        load: { ...loadOptions(request), use: trainingUse(config, peft) },
        out: session.url('out', ''),
        job: {
          data: { url: session.url('data', basename(request.data)) },
          images: { url: session.url('data') },
          config,
          ...(peft === undefined ? {} : { peft }),
          ...(request.adapter === undefined ? {} : { adapter: { url: session.url('adapter') } }),
          ...(isResumed
            ? {
                checkpoint: { url: session.url('out', checkpoint) },
                history: readMetrics(join(out, METRICS)),
              }
            : {}),
          shuffle: request.shuffle,
        },
      })
    } catch (error) {
      const ended = endOf(error, stop.isAsked)
      if (ended === 'failed') throw error
      if (ended === 'interrupted') line.say((error as Error).message)
      return undefined
    } finally {
      stop.release()
    }
  }
  const outcome = await withHeadless(folders, onEvent, train, { profile })
  line.end()
  return conclude(outcome, out, line)
}

function conclude(outcome: TrainingEnd | undefined, out: string, line: ProgressLine): 'done' | 'stopped' {
  if (!outcome || outcome.status === 'stopped') {
    const where = outcome ? ` after step ${outcome.step} of ${outcome.totalSteps}` : ''
    line.say(`stopped${where}; the same command continues`)
    return 'stopped'
  }
  if (outcome.status === 'unhealthy') {
    const kept = join(out, TRAINING_FILES.lastGood)
    throw new Error(
      `training stopped: ${outcome.ailment?.message}. The adapter after step ${outcome.step} was well and is kept in ${kept}`,
    )
  }
  rmSync(join(out, TRAINING_FILES.checkpoint), { force: true })
  for (const folder of [TRAINING_FILES.lastGood, BROWSER_FOLDER])
    rmSync(join(out, folder), { force: true, recursive: true })
  line.say(`wrote ${join(out, TRAINING_FILES.weights)}`)
  return 'done'
}

interface TrainingSettings {
  readonly config: TrainerConfig
  /** None where an adapter is continued. */
  readonly peft?: LoraConfig
}

/** The trainer's settings and the new adapter's, checked here so that nothing is started for nothing. */
function readConfig({ config: path, adapter }: TrainRequest): TrainingSettings {
  expectFile('--config', path)
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new UsageError('expected an object of settings')
    const { peft, ...config } = json as Record<string, unknown>
    const settings = parseTrainerConfig(config, path)
    if (adapter !== undefined && peft !== undefined)
      throw new UsageError('peft: expected absent, since --adapter brings its own settings')
    if (adapter === undefined && peft === undefined)
      throw new UsageError(
        'peft: expected the settings of the new adapter, such as {"r": 16, "lora_alpha": 32}, or --adapter',
      )
    return {
      config: settings,
      ...(peft === undefined ? {} : { peft: parseLoraConfig(peft, `${path}: peft`) }),
    }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`--config: ${message.startsWith(path) ? '' : `${path}: `}${message}`, { cause })
  }
}

/** Shows progress and writes the metrics, a line a step as it comes, so that a run that is killed keeps them. */
function follow(line: ProgressLine, metricsPath: string): (event: HeadlessEvent) => void {
  let pace = new Pace(0)
  let plan = { totalSteps: 0, pairsPerStep: 0 }
  let isLoaded = false
  return (event) => {
    switch (event.kind) {
      case 'pairs':
        line.show(
          'pairs',
          `${event.done} read${event.dropped > 0 ? `, ${event.dropped} left out: their prompts alone fill max_length` : ''}`,
        )
        break
      case 'reference':
        line.show('reference', `${event.done}/${event.total} pairs`, event.done === event.total)
        break
      case 'start':
        plan = event
        pace = new Pace(event.totalSteps, event.step)
        keepMetrics(metricsPath, event.step)
        break
      case 'step': {
        const { metrics } = event
        appendFileSync(metricsPath, `${JSON.stringify(metrics)}\n`)
        const speed = pace.after(metrics.step)
        const figures = `loss ${metrics.loss.toFixed(4)}, margin ${metrics['rewards/margins'].toFixed(3)}, accuracy ${metrics['rewards/accuracies'].toFixed(2)}`
        const rate = speed
          ? `, ${(speed.rate * plan.pairsPerStep).toPrecision(3)} pairs/s, ${formatSeconds(speed.secondsLeft)} left`
          : ''
        line.show(
          'step',
          `${metrics.step}/${plan.totalSteps}, ${figures}${rate}`,
          metrics.step === plan.totalSteps,
        )
        break
      }
      case 'saved':
        line.show('saved', `checkpoint of step ${event.step}`, true)
        break
      default:
        // The first plan is made before the pairs are read, the other of their real batches.
        showLoading(line, event, isLoaded ? '' : ', at least')
        isLoaded ||= event.kind === 'loaded'
    }
  }
}

/** Drops the lines of steps that will be taken again. */
function keepMetrics(path: string, step: number): void {
  const kept = readMetrics(path).filter((metrics) => metrics.step <= step)
  writeFileSync(path, kept.map((metrics) => `${JSON.stringify(metrics)}\n`).join(''))
}

function readMetrics(path: string): StepMetrics[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  return lines.flatMap((text) => {
    try {
      return [JSON.parse(text) as StepMetrics]
    } catch {
      return [] // the half line of a run that was killed, and what follows the last
    }
  })
}
