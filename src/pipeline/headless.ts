import type { FolderSpec } from '../data/folder.ts'
import { StorageFullError } from '../store/errors.ts'
import { openStore } from '../store/store.ts'
import type {
  AdapterChoice,
  Answer,
  CompletionLogps,
  GenerateJob,
  LoadOptions,
  LogpsJob,
  MemoryReport,
  PolicyInfo,
  TrainJob,
} from '../workers/policy.api.ts'
import { sendArtifacts } from './artifacts.ts'
import { openPolicy, type PolicyClient } from './client.ts'
import { damageOf, mended } from './damage.ts'
import type { RunEvent } from './events.ts'
import { runExamples } from './examples.ts'
import { parseRecipe } from './recipe.ts'
import { runRecipe } from './run.ts'
import { makeRunView, type RunView } from './run-view.ts'
import { type SentTrainingEvent, type TrainingEnd, trainAndSend } from './send-training.ts'
import { modelFolder, type RunSources } from './sources.ts'
import {
  type CaptionJob,
  captionCommand,
  type EvaluateJob,
  evaluateCommand,
  type ScoreJob,
  type StageOptions,
  scoreCommand,
} from './stage-commands.ts'
import type { CaptionSummary } from './stages/caption.ts'
import type { CaptionExample, EvaluateSummary } from './stages/evaluate.ts'
import type { LoneEvaluation } from './stages/evaluate-alone.ts'
import type { ScoreSummary } from './stages/score.ts'
import { StorageWatch } from './storage-watch.ts'
import { type RunSummary, summarize } from './summary.ts'

export type { Answer, LoadOptions }

/** What a command that runs a model is given. */
export interface HeadlessJob<J> {
  /** As a recipe names one. */
  readonly model: string
  readonly sources: Pick<RunSources, 'models'>
  readonly load?: LoadOptions
  /** PEFT's folder, for generation and log-probabilities. */
  readonly adapter?: FolderSpec
  readonly job: J
}

/** What the command line is told while a job runs; JSON alone. */
export type HeadlessEvent =
  | { readonly kind: 'run'; readonly event: RunEvent }
  | { readonly kind: 'loading'; readonly done: number; readonly total: number; readonly bytesRead: number }
  | { readonly kind: 'plan'; readonly plan: MemoryReport }
  | { readonly kind: 'loaded'; readonly info: PolicyInfo }
  | { readonly kind: 'answers'; readonly tokens: number }
  /** One that has ended. */
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'logps'; readonly result: CompletionLogps }
  | SentTrainingEvent

/** A recipe, what it names, and the address that results are sent to by PUT. */
export interface RunJob {
  readonly recipe: unknown
  readonly sources: Omit<RunSources, 'site'>
  readonly out: string
}

/** What a run has come to. */
export interface RunResult {
  readonly summary: RunSummary
  readonly examples: readonly CaptionExample[]
}

export type { RunSummary }

/** A call's end as JSON, so that an error keeps its name. */
export type HeadlessResult<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly name: string; readonly message: string }

/** Makes a run's views one HTML document. */
export type RenderReport = (view: RunView) => Promise<string>

/** A stage by itself, and the address that results are sent to by PUT. */
export type StageCall<J> = Omit<J, 'sources'> & {
  readonly sources: Omit<RunSources, 'site'>
  readonly out: string
}

/** What the headless page offers the command line. */
export interface Headless {
  caption(given: StageCall<CaptionJob>): Promise<CaptionSummary>
  score(given: StageCall<ScoreJob>): Promise<ScoreSummary>
  evaluate(given: StageCall<EvaluateJob>): Promise<EvaluateSummary | LoneEvaluation>
  /** Reports each answer once it has ended. */
  generate(given: HeadlessJob<GenerateJob>): Promise<void>
  logps(given: HeadlessJob<LogpsJob>): Promise<void>
  /** @param given.out address that files are sent to by PUT. */
  train(given: HeadlessJob<TrainJob> & { readonly out: string }): Promise<TrainingEnd>
  /** Runs a recipe, sends its results to `out`, and gives its summary with a few examples. */
  run(given: RunJob): Promise<RunResult>
  /** Ends a training or a run so that it can be continued. */
  stop(): Promise<void>
}

const ADAPTER = 'given'
/** HTTP's status for a disk that is full. */
const INSUFFICIENT_STORAGE = 507

/**
 * The page's side of the command line.
 * @param report takes what happens meanwhile. @param renderReport makes `report.html` of a run's views.
 */
export function createHeadless(report: (event: HeadlessEvent) => void, renderReport: RenderReport): Headless {
  const policy = openPolicy()
  let running: AbortController | undefined
  let isTraining = false
  const emit = (event: RunEvent): void => report({ kind: 'run', event })
  /** What the pipeline is given; its stages open models of their own. */
  const begin = async (out: string): Promise<StageOptions> => {
    policy.close()
    running = new AbortController()
    const sendTo = (path: string, body: Blob): Promise<void> => send(out, path, body)
    const store = openStore({ onCorrupt: (found) => emit({ kind: 'damage', ...damageOf(found) }) })
    const watch = new StorageWatch(emit)
    await watch.look()
    return { store, signal: running.signal, emit: watch.emit, send: sendTo }
  }
  const given = <J extends { sources: Omit<RunSources, 'site'> }>(job: J) => ({
    ...job,
    sources: { ...job.sources, site: document.baseURI },
  })
  return {
    async caption(job) {
      const options = await begin(job.out)
      return await mended(() => captionCommand(given(job), options))
    },
    async score(job) {
      const options = await begin(job.out)
      return await mended(() => scoreCommand(given(job), options))
    },
    async evaluate(job) {
      const options = await begin(job.out)
      return await mended(() => evaluateCommand(given(job), options))
    },
    async run(job) {
      const { recipe: json, sources, out } = given(job)
      const { store, signal, emit: tell, send: sendTo } = await begin(out)
      return await mended(async () => {
        const output = await runRecipe(parseRecipe(json), { store, sources, signal, emit: tell })
        await sendArtifacts(output, store, sendTo)
        await send(out, 'report.html', await renderReport(await makeRunView(output, store)))
        return { summary: summarize(output), examples: await runExamples(output) }
      })
    },
    async generate(given) {
      const choice = await prepare(policy, given, report)
      const lengths = new Map<string, number>()
      await policy.generate({ ...given.job, ...choice }, (grown) => {
        for (const answer of grown) {
          lengths.set(`${answer.request} ${answer.candidate}`, answer.tokens.length)
          if (answer.finishReason !== undefined) report({ kind: 'answer', answer })
        }
        report({
          kind: 'answers',
          tokens: [...lengths.values()].reduce((total, length) => total + length, 0),
        })
      })
    },
    async logps(given) {
      const choice = await prepare(policy, given, report)
      await policy.logps({ ...given.job, ...choice }, (result) => {
        report({ kind: 'logps', result })
      })
    },
    async train(given) {
      await prepare(policy, given, report)
      isTraining = true
      return await trainAndSend(policy, given.job, (path, body) => send(given.out, path, body), report)
    },
    async stop() {
      if (running) running.abort(new DOMException('stopped', 'AbortError'))
      else if (isTraining) await policy.stop()
      else await policy.cancel()
    },
  }
}

/** Loads the model and, where there is one, the adapter; says which adapter to use. */
async function prepare(
  policy: PolicyClient,
  { model, sources, load = {}, adapter }: Omit<HeadlessJob<unknown>, 'job'>,
  report: (event: HeadlessEvent) => void,
): Promise<AdapterChoice> {
  const folder = modelFolder(model, { ...sources, site: document.baseURI })
  const info = await policy.load(folder, load, ({ plan, ...progress }) => {
    report(plan ? { kind: 'plan', plan } : { kind: 'loading', ...progress })
  })
  report({ kind: 'loaded', info })
  if (!adapter) return {}
  await policy.loadAdapter(ADAPTER, adapter)
  return { adapter: ADAPTER }
}

async function send(out: string, path: string, body: string | Uint8Array<ArrayBuffer> | Blob): Promise<void> {
  const response = await fetch(out + path, { method: 'PUT', body })
  if (response.ok) return
  const message = `${path}: could not be written: ${response.status} ${await response.text()}`
  throw response.status === INSUFFICIENT_STORAGE ? new StorageFullError(message) : new Error(message)
}
