import type { OpenRun, RunRecord } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { keepReached, noteRun } from './run-notes.ts'

/** Errors, by their names, that a run gets over when it is taken up again, once there is room or a device. */
const RESUMABLE_ERRORS = ['StorageFullError', 'DeviceLostError']

/** Whether a run that ended so goes on where it was: nothing was wrong with it. */
export function isResumable(error: unknown): error is Error {
  return error instanceof Error && RESUMABLE_ERRORS.includes(error.name)
}

/** Which run is opened. */
export interface RunPlace {
  readonly store: Pick<Store, 'runs'>
  readonly id: string
  /** What is recorded of a run that is not there yet. */
  readonly described: Pick<RunRecord, 'name' | 'recipe' | 'recipeHash'>
  readonly signal: AbortSignal
}

/**
 * Opens a run, a new one where there is none, works on it, and notes how that ended. What it had made before and has not come to
 * this time, such as captions of pictures that are others now, goes when it has ended well.
 * @throws {RunLockedError} when it is open in another tab, and what the work throws.
 */
export async function withRun<T>(
  { store, id, described, signal }: RunPlace,
  work: (run: OpenRun) => Promise<T>,
): Promise<T> {
  const run = await store.runs.open(id, () => ({
    ...described,
    createdAt: Date.now(),
    status: 'new',
    stages: [],
  }))
  let isLess = false
  try {
    await setStatus(run, 'running')
    await noteRun(run, { error: undefined })
    const result = await work(run)
    isLess = await keepReached(run)
    await setStatus(run, 'done')
    return result
  } catch (error) {
    // What went wrong is worth more than that it could not be noted, as on a full disk.
    await noteFailure(run, error, signal).catch(() => {})
    throw error
  } finally {
    await run.close()
    if (isLess) await store.runs.sweep()
  }
}

async function noteFailure(run: OpenRun, error: unknown, signal: AbortSignal): Promise<void> {
  await setStatus(run, signal.aborted || isResumable(error) ? 'stopped' : 'failed')
  if (!signal.aborted) await noteRun(run, { error: error instanceof Error ? error.message : String(error) })
}

async function setStatus(run: OpenRun, status: RunRecord['status']): Promise<void> {
  await run.update((record) => ({ ...record, status }))
}
