import type { RunEvent } from '../pipeline/events.ts'
import type { RunnerClient } from '../pipeline/runner-client.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { isStop, plainProblem } from './problems.ts'
import { afterDamage, afterEvent, IDLE, type RunState, stateOf } from './run-state.ts'

/** How often a run that is open in another tab is looked at, in milliseconds. */
const ELSEWHERE_MS = 3000

/** The part of the runner that runs. */
export type RunEngine = Pick<
  RunnerClient,
  'idOf' | 'run' | 'pause' | 'resume' | 'cancel' | 'open' | 'watchDamage'
>

/**
 * The run a page shows: starts it, pauses it, stops it, and keeps what there is to show of it. Dispatches `change` when its
 * state has changed and `event`s of the run as `CustomEvent<RunEvent>` of the type `run`.
 */
export class RunController extends EventTarget {
  readonly #engine: RunEngine
  readonly #now: () => number
  #state: RunState = IDLE
  /** Id of the run that is to be shown, of which the store may still be asked. */
  #wanted: string | undefined
  /** Until a run that is open in another tab is looked at again. */
  #elsewhere: ReturnType<typeof setTimeout> | undefined

  /** @param now milliseconds, for tests. */
  constructor(engine: RunEngine, now: () => number = () => performance.now()) {
    super()
    this.#engine = engine
    this.#now = now
    void engine.watchDamage((damage) => this.#set(afterDamage(this.#state, damage)))
  }

  get state(): RunState {
    return this.#state
  }

  /** Whether a run is under way, paused or not. */
  get isBusy(): boolean {
    return ['running', 'paused', 'stopping'].includes(this.#state.status)
  }

  /** Runs a recipe to its end; problems become part of the state. @returns whether it got there. */
  async start(recipe: unknown, sources: RunSources): Promise<boolean> {
    if (this.isBusy) return false
    clearTimeout(this.#elsewhere)
    const before = this.#state
    this.#set({ status: 'running', parts: [] })
    try {
      const id = await this.#engine.idOf(recipe)
      const isSame = id === before.id && before.damage
      this.#set({ ...this.#state, id, ...(isSame ? { damage: before.damage } : {}) })
      await this.#engine.run(recipe, sources, (event) => this.#take(event))
      this.#set({ ...this.#state, status: 'done' })
      return true
    } catch (error) {
      const { loading: _, ...state } = this.#state
      this.#set({
        ...state,
        parts: state.parts.map((part) =>
          part.state === 'running' ? { ...part, state: 'broken off' } : part,
        ),
        ...(isStop(error) ? { status: 'stopped' } : { status: 'failed', problem: plainProblem(error) }),
      })
      return false
    }
  }

  /** Holds the run before its next job, token or step; what it has made stays on the GPU. */
  async pause(): Promise<void> {
    if (this.#state.status !== 'running') return
    this.#set({ ...this.#state, status: 'paused' })
    await this.#engine.pause()
  }

  async resume(): Promise<void> {
    if (this.#state.status !== 'paused') return
    // What was counted before the pause would make it slow.
    const parts = this.#state.parts.map((part) => ({ ...part, samples: [] }))
    this.#set({ ...this.#state, status: 'running', parts })
    await this.#engine.resume()
  }

  /** Breaks the run off; `start` goes on from what was finished. */
  async cancel(): Promise<void> {
    if (!this.isBusy) return
    this.#set({ ...this.#state, status: 'stopping' })
    await this.#engine.cancel()
  }

  /**
   * Shows a run that lies in the store; of one that is open in another tab also what becomes of it.
   * @returns whether it was broken off in the middle, as by a reload.
   */
  async show(id: string): Promise<boolean> {
    if (this.isBusy) return false
    this.#wanted = id
    const stored = await this.#engine.open(id)
    if (!stored || this.isBusy || this.#wanted !== id) return false
    clearTimeout(this.#elsewhere)
    this.#set(stateOf(stored))
    if (this.#state.status === 'elsewhere')
      this.#elsewhere = setTimeout(() => void this.show(id).catch(() => {}), ELSEWHERE_MS)
    return stored.record.status === 'running' && !stored.isOpen
  }

  /** Shows none. */
  clear(): void {
    if (this.isBusy) return
    clearTimeout(this.#elsewhere)
    this.#wanted = undefined
    this.#set(IDLE)
  }

  #take(event: RunEvent): void {
    this.#set(afterEvent(this.#state, event, this.#now()))
    this.dispatchEvent(new CustomEvent('run', { detail: event }))
  }

  #set(state: RunState): void {
    this.#state = state
    this.dispatchEvent(new Event('change'))
  }
}
