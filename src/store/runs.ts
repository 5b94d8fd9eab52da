import { CheckpointStore } from './checkpoints.ts'
import { RunLockedError, UnknownRunError } from './errors.ts'
import type { StageKind } from './kinds.ts'
import { type HeldLock, isLocked, takeLock, tryLock, withLock } from './locks.ts'
import { pack, unpack } from './packing.ts'
import { isSameRef, type RunUsage, type Shelves, type StageRef, sweep, usageOf } from './reach.ts'
import type { Shelf } from './shelf.ts'
import { StageStore } from './stages.ts'

/** A run as it is kept; what it made lies under the hashes of its stages. */
export interface RunRecord {
  readonly id: string
  /** For people; may be changed. */
  readonly name: string
  /** The recipe as JSON, and its hash. */
  readonly recipe: unknown
  readonly recipeHash: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** `running` in a run that is not open means that its tab was closed. */
  readonly status: 'new' | 'running' | 'stopped' | 'failed' | 'done'
  /** The outputs it uses, in the order in which it came to them. */
  readonly stages: readonly StageRef[]
  /** What the pipeline keeps of the run, such as the last error or times per stage. */
  readonly notes?: unknown
}

/** How an output's lock is waited for. */
export interface OutputLockOptions {
  readonly signal?: AbortSignal
  /** Is told when another run has it, and so has to be waited for. */
  readonly onWait: () => void
}

/** Runs, one of which only one tab opens at a time. */
export class RunStore {
  readonly #shelf: Shelf
  readonly #shelves: Shelves
  readonly #prefix: string

  /** @param prefix before the locks' names, as of the databases. */
  constructor(shelf: Shelf, shelves: Shelves, prefix: string) {
    this.#shelf = shelf
    this.#shelves = shelves
    this.#prefix = prefix
  }

  /** All runs, the latest first. */
  async list(): Promise<RunRecord[]> {
    const found = await this.#shelf.getMany(await this.#shelf.keys())
    const runs = found.flatMap((bytes) => (bytes ? [unpack(bytes) as RunRecord] : []))
    return runs.sort((a, b) => b.createdAt - a.createdAt)
  }

  async get(id: string): Promise<RunRecord | undefined> {
    const bytes = await this.#shelf.get([id])
    return bytes && (unpack(bytes) as RunRecord)
  }

  /** Stores a run, in place of one of the same id. @throws {StorageFullError} */
  async put(run: RunRecord): Promise<void> {
    await this.#shelf.put({ key: [run.id], bytes: pack(run) })
  }

  /** Changes a run's record; changes from other tabs are not lost. @throws {UnknownRunError} */
  async update(id: string, change: (run: RunRecord) => RunRecord): Promise<RunRecord> {
    return await withLock(this.#lock(`record ${id}`), async () => {
      const run = await this.get(id)
      if (!run) throw unknown(id)
      const changed = { ...change(run), id }
      await this.put(changed)
      return changed
    })
  }

  /** @throws {UnknownRunError} */
  async rename(id: string, name: string): Promise<void> {
    await this.update(id, (run) => ({ ...run, name }))
  }

  /** Whether a run is open, in this tab or another. */
  async isOpen(id: string): Promise<boolean> {
    return await isLocked(this.#lock(`run ${id}`))
  }

  /** Whether any run is open, in this tab or another. */
  async isAnyOpen(): Promise<boolean> {
    return await isLocked(this.#lock('writing'))
  }

  /**
   * Opens a run to write what it makes. Nothing is swept while any run is open.
   * @param create makes the record of a run that is not there yet, under the run's lock. Default: it has to be there.
   * @throws {RunLockedError} when it is open already. @throws {UnknownRunError}
   */
  async open(id: string, create?: () => Omit<RunRecord, 'id'>): Promise<OpenRun> {
    const writing = await takeLock(this.#lock('writing'), 'shared')
    let run: HeldLock | undefined
    try {
      run = await this.#lockRun(id)
      if (!(await this.get(id))) {
        if (!create) throw unknown(id)
        await this.put({ ...create(), id })
      }
    } catch (error) {
      await run?.release()
      await writing.release()
      throw error
    }
    return new OpenRun(id, this, this.#shelves, [run, writing])
  }

  /**
   * Deletes a run and what no other run reaches.
   * @returns the bytes freed, or undefined when a run is open: they are freed by the next `sweep`.
   * @throws {RunLockedError} when it is the one that is open.
   */
  async delete(id: string): Promise<number | undefined> {
    const lock = await this.#lockRun(id)
    try {
      await this.#shelf.delete([[id]])
    } finally {
      await lock.release()
    }
    return await this.sweep()
  }

  /**
   * Removes what no run reaches, such as the leavings of runs that were deleted while another was open.
   * @returns the bytes freed, or undefined when a run is open and nothing was done.
   */
  async sweep(): Promise<number | undefined> {
    const lock = await tryLock(this.#lock('writing'))
    if (!lock) return undefined
    try {
      return await sweep(
        this.#shelves,
        (await this.list()).flatMap(({ stages }) => stages),
      )
    } finally {
      await lock.release()
    }
  }

  /** Takes the lock of an output that several runs may come to; see `OpenRun.lockOutput`. */
  async lockOutput({ kind, hash }: StageRef, { signal, onWait }: OutputLockOptions): Promise<HeldLock> {
    const name = this.#lock(`${kind} ${hash}`)
    const free = await tryLock(name)
    if (free) return free
    onWait()
    return await takeLock(name, 'exclusive', signal)
  }

  /** What each run takes in the storage, by its id. */
  async usage(): Promise<ReadonlyMap<string, RunUsage>> {
    return await usageOf(this.#shelves, new Map((await this.list()).map(({ id, stages }) => [id, stages])))
  }

  async #lockRun(id: string): Promise<HeldLock> {
    const lock = await tryLock(this.#lock(`run ${id}`))
    if (!lock)
      throw new RunLockedError(
        `run ${id}: expected it to be closed, got one that is open, perhaps in another tab: close it there first`,
      )
    return lock
  }

  #lock(name: string): string {
    return `${this.#prefix} ${name}`
  }
}

/** A run that this tab may write to, until it is closed or the tab is. */
export class OpenRun {
  readonly id: string
  readonly #runs: RunStore
  readonly #shelves: Shelves
  readonly #locks: readonly HeldLock[]
  readonly #reached: StageRef[] = []

  constructor(id: string, runs: RunStore, shelves: Shelves, locks: readonly HeldLock[]) {
    this.id = id
    this.#runs = runs
    this.#shelves = shelves
    this.#locks = locks
  }

  /** The outputs it has come to since it was opened. */
  get reached(): readonly StageRef[] {
    return this.#reached
  }

  /**
   * Notes that the run reaches an output, so that no sweep takes it, and opens it, with what was made of it before.
   * @typeParam T a unit, and S the summary, as the stage makes them.
   */
  async stage<T, S>(kind: StageKind, hash: string): Promise<StageStore<T, S>> {
    await this.#reach({ kind, hash })
    return new StageStore(this.#shelves[kind], hash)
  }

  /** The states of the training whose result lies under `hash` in `checkpoints`. @param keep how many. Default 2. */
  async checkpoints(hash: string, keep?: number): Promise<CheckpointStore> {
    await this.#reach({ kind: 'checkpoints', hash })
    return new CheckpointStore(this.#shelves.checkpoints, hash, keep)
  }

  /**
   * Keeps all other runs, in this tab or another, from making an output until it is released: two that make the same would
   * undo each other's checkpoints. It ends with the tab as well.
   * @throws the signal's reason when it is aborted while waiting.
   */
  async lockOutput(ref: StageRef, options: OutputLockOptions): Promise<HeldLock> {
    return await this.#runs.lockOutput(ref, options)
  }

  /** Changes the run's record. */
  async update(change: (run: RunRecord) => RunRecord): Promise<RunRecord> {
    return await this.#runs.update(this.id, change)
  }

  /** Lets others open the run. */
  async close(): Promise<void> {
    for (const lock of this.#locks) await lock.release()
  }

  async #reach(ref: StageRef): Promise<void> {
    const isSame = (other: StageRef): boolean => isSameRef(ref, other)
    if (!this.#reached.some(isSame)) this.#reached.push(ref)
    if ((await this.#runs.get(this.id))?.stages.some(isSame)) return
    await this.update((run) => (run.stages.some(isSame) ? run : { ...run, stages: [...run.stages, ref] }))
  }
}

function unknown(id: string): UnknownRunError {
  return new UnknownRunError(`run ${id}: expected a run of that id, found none: it may have been deleted`)
}
