import { isSameRef, type StageRef } from '../store/reach.ts'
import type { OpenRun, RunRecord } from '../store/runs.ts'
import type { Damage, StagePlace } from './events.ts'
import type { DeviceProfile, ModelHashes } from './models.ts'

/** An output of a run and where in it that came to be. */
export type PlacedOutput = StagePlace & StageRef

/** What the pipeline keeps of a run in its record, so that it can be shown without being run again. */
export interface RunNotes {
  /** In the order in which the run came to them. */
  readonly outputs: readonly PlacedOutput[]
  /** Of a run that has ended. */
  readonly models?: ModelHashes
  /** What the policy ran on last. */
  readonly device?: DeviceProfile
  /** Why it failed last. */
  readonly error?: string
  /** Stored values that turned out damaged while it was under way, the latest last. */
  readonly damage?: readonly Damage[]
}

/** The notes of a run; of one that has none yet, empty ones. */
export function notesOf({ notes }: Pick<RunRecord, 'notes'>): RunNotes {
  return { outputs: [], ...(notes as Partial<RunNotes> | undefined) }
}

/** Changes some of a run's notes; undefined takes one away. */
export async function noteRun(
  run: Pick<OpenRun, 'update'>,
  change: { readonly [K in keyof RunNotes]?: RunNotes[K] | undefined },
): Promise<void> {
  await run.update((record) => ({ ...record, notes: { ...notesOf(record), ...change } }))
}

/** Notes an output, in place of what was in that place before. */
export async function noteOutput(run: Pick<OpenRun, 'update'>, output: PlacedOutput): Promise<void> {
  await run.update((record) => {
    const notes = notesOf(record)
    const others = notes.outputs.filter((other) => !isSamePlace(other, output))
    return { ...record, notes: { ...notes, outputs: [...others, output] } }
  })
}

/**
 * Lets a run go on from those outputs alone that it has come to since it was opened, and from what these were made of within
 * their stage. @returns whether there were others.
 */
export async function keepReached(run: Pick<OpenRun, 'update' | 'reached'>): Promise<boolean> {
  let isLess = false
  await run.update((record) => {
    const notes = notesOf(record)
    const isReached = (ref: StageRef): boolean => run.reached.some((other) => isSameRef(ref, other))
    const reached = notes.outputs.filter(isReached)
    const outputs = notes.outputs.filter((output) =>
      reached.some(({ stage, round }) => stage === output.stage && round === output.round),
    )
    const stages = record.stages.filter(
      (ref) => isReached(ref) || outputs.some((output) => isSameRef(ref, output)),
    )
    isLess = stages.length < record.stages.length
    return { ...record, stages, notes: { ...notes, outputs } }
  })
  return isLess
}

/** Whether two things happen at the same place of a run. */
export function isSamePlace(a: StagePlace, b: StagePlace): boolean {
  return a.stage === b.stage && a.round === b.round && a.part === b.part
}
