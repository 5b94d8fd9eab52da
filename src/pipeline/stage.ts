import type { StageKind } from '../store/kinds.ts'
import type { OpenRun } from '../store/runs.ts'
import type { StageStore } from '../store/stages.ts'
import type { Store } from '../store/store.ts'
import type { RunEvent, StagePlace } from './events.ts'
import { stageHash } from './hash.ts'
import { noteOutput } from './run-notes.ts'
import { SpentTime } from './spent-time.ts'

/** What every stage is given beside its inputs and settings. */
export interface StageContext {
  readonly store: Store
  readonly run: OpenRun
  readonly signal: AbortSignal
  readonly emit: (event: RunEvent) => void
  /** Most GPU memory the policy took since the last call; undefined while no policy is loaded. */
  readonly peakGpuBytes: () => Promise<number | undefined>
  /** A clock in milliseconds that stands still while the run is paused. */
  readonly workTime: () => number
}

/** Everything that determines a stage's output; its hash is what the output is kept under. */
export interface StageSpec extends StagePlace {
  /** The database that keeps the output. */
  readonly kind: StageKind
  /** Raised whenever the stage's code makes another output of the same inputs and settings. */
  readonly version: number
  readonly settings: unknown
  /** Hashes of the inputs. */
  readonly inputs: Readonly<Record<string, string>>
}

/** What a stage leaves behind when it ends. */
export interface StageEnd<S> {
  readonly summary: S
  /** Time it took, without pauses; of a stage that was broken off, of all sessions. */
  readonly seconds: number
  /** Most GPU memory the policy took meanwhile; undefined where no policy was loaded. */
  readonly peakGpuBytes?: number
}

/** A stage's output: units, and what it says of itself. */
export interface StageOutput<T, S> extends StageEnd<S> {
  readonly hash: string
  readonly units: StageStore<T, StageEnd<S>>
}

/** What a stage tells while another run is at it. */
const WAITING = 'another run, perhaps in another tab, is making the same; waiting for it'

/** Tells how far a stage is; of what is not counted the total is 0. */
export type Progress = (done: number, total: number, unit: string, detail?: string) => void

/**
 * Runs a stage, or takes what an earlier run left under the same hash; one that another run is making is waited for.
 * @param make fills the store with the units that are missing and returns the summary; it may be broken off anywhere. Stages
 *   that it runs itself are given the context it is given.
 */
export async function runStage<T, S>(
  context: StageContext,
  spec: StageSpec,
  make: (units: StageStore<T, StageEnd<S>>, progress: Progress, within: StageContext) => Promise<S>,
): Promise<StageOutput<T, S>> {
  const { kind, version, settings, inputs, stage, round, part } = spec
  const { run, signal, emit } = context
  signal.throwIfAborted()
  const name = part === undefined ? stage : `${stage} ${part}`
  const hash = await stageHash({ stage: name, version, settings, inputs })
  const place = { stage, round, ...(part === undefined ? {} : { part }) }
  const units = await run.stage<T, StageEnd<S>>(kind, hash)
  await noteOutput(run, { ...place, kind, hash })
  const stored = async (): Promise<StageOutput<T, S> | undefined> => {
    const done = await units.done()
    if (!done) return undefined
    emit({ kind: 'stage', ...place, state: 'stored', hash, seconds: done.summary.seconds })
    return { hash, units, ...done.summary }
  }
  const before = await stored()
  if (before) return before
  let time: SpentTime | undefined
  const progress: Progress = (done, total, unit, detail) => {
    emit({ kind: 'progress', ...place, done, total, unit, ...(detail === undefined ? {} : { detail }) })
    time?.keepNowAndThen()
  }
  const begin = (): void => emit({ kind: 'stage', ...place, state: 'running', hash })
  begin()
  let isWaiting = false
  const lock = await run.lockOutput(
    { kind, hash },
    {
      signal,
      onWait: () => {
        isWaiting = true
        progress(0, 0, '', WAITING)
      },
    },
  )
  try {
    const meanwhile = await stored()
    if (meanwhile) return meanwhile
    if (isWaiting) begin()
    time = await SpentTime.of(units, context.workTime)
    await context.peakGpuBytes()
    let most: number | undefined
    const peakGpuBytes = async (): Promise<number | undefined> => {
      const peak = await context.peakGpuBytes()
      if (peak !== undefined) most = Math.max(most ?? 0, peak)
      return peak
    }
    const summary = await make(units, progress, { ...context, peakGpuBytes })
    await peakGpuBytes()
    await time.settle()
    const end = {
      summary,
      seconds: time.seconds,
      ...(most === undefined ? {} : { peakGpuBytes: most }),
    }
    await units.finish(end)
    emit({ kind: 'stage', ...place, state: 'done', hash, seconds: end.seconds })
    return { hash, units, ...end }
  } catch (error) {
    await time?.keep()
    throw error
  } finally {
    await lock.release()
  }
}
