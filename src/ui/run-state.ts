import type { RunDamage } from '../pipeline/damage.ts'
import type { Damage, RunEvent, StageName, StagePlace } from '../pipeline/events.ts'
import { notesOf } from '../pipeline/run-notes.ts'
import type { StoredRun } from '../pipeline/runner.api.ts'

/** What a page shows of one output of a run. */
export interface PartState extends StagePlace {
  readonly state: 'running' | 'done' | 'stored' | 'broken off'
  /** What the output is kept under. */
  readonly hash: string
  /** Of what is counted; 0 of 0 before the first news. */
  readonly done: number
  readonly total: number
  readonly unit: string
  readonly detail?: string
  /** Step after which a training was looked at last, while this page has seen it run. */
  readonly watched?: number
  /** Time it took, of one that is finished. */
  readonly seconds?: number
  /** When how much was done, milliseconds; the last half minute of it. */
  readonly samples: readonly { readonly at: number; readonly done: number }[]
}

export interface RunState {
  /** `elsewhere`: open in another tab. */
  readonly status: 'idle' | 'running' | 'paused' | 'stopping' | 'stopped' | 'failed' | 'done' | 'elsewhere'
  /** Undefined while no run has been started or opened. */
  readonly id?: string
  readonly parts: readonly PartState[]
  /** A model that is being loaded. */
  readonly loading?: { readonly what: string; readonly done: number; readonly total: number }
  /** Why it failed or stopped, in plain words. */
  readonly problem?: string
  /** Stored values that turned out damaged. */
  readonly damage?: readonly Damage[]
}

export const IDLE: RunState = { status: 'idle', parts: [] }

/** How far back a rate looks, in milliseconds. */
const RATE_WINDOW_MS = 30_000

/** What becomes of a run's state when something happens in it. @param now milliseconds. */
export function afterEvent(state: RunState, event: RunEvent, now: number): RunState {
  switch (event.kind) {
    case 'stage': {
      const { stage, round, part, hash, seconds } = event
      const known = event.state === 'running' ? undefined : findPart(state.parts, event)
      const next: PartState = {
        ...(known ?? { done: 0, total: 0, unit: '', samples: [] }),
        stage,
        round,
        ...(part === undefined ? {} : { part }),
        hash,
        state: event.state,
        ...(seconds === undefined ? {} : { seconds }),
      }
      return withPart(withoutLoading(state), next)
    }
    case 'progress': {
      const known = findPart(state.parts, event)
      if (!known) return state
      const { detail: _, ...rest } = known
      const { done, total, unit, detail } = event
      const isSame = known.unit === unit && known.total === total
      const recent = isSame ? known.samples.filter(({ at }) => now - at <= RATE_WINDOW_MS) : []
      const next = {
        ...rest,
        done,
        total,
        unit,
        ...(detail === undefined ? {} : { detail }),
        samples: [...recent, { at: now, done }],
      }
      return withPart(withoutLoading(state), next)
    }
    case 'loading': {
      const { what, done, total } = event
      return done === total ? withoutLoading(state) : { ...state, loading: { what, done, total } }
    }
    case 'watched': {
      const known = findPart(state.parts, event)
      return known ? withPart(state, { ...known, watched: event.step }) : state
    }
    case 'step':
    case 'note':
    case 'damage':
      return state
  }
}

/** What becomes of a run's state when a stored value turns out damaged: one that was done is no longer whole. */
export function afterDamage(state: RunState, { runs, ...damage }: RunDamage): RunState {
  if (state.id === undefined || !runs.includes(state.id)) return state
  const status = state.status === 'done' ? 'stopped' : state.status
  return { ...state, status, damage: [...(state.damage ?? []), damage] }
}

/** What a stored run's status is to a page that does not run it: one that was running was broken off. */
const SHOWN = {
  new: 'idle',
  running: 'stopped',
  stopped: 'stopped',
  failed: 'failed',
  done: 'done',
} as const satisfies Record<StoredRun['record']['status'], RunState['status']>

/** The state of a run that lies in the store. */
export function stateOf({ record, isOpen, outputs }: StoredRun): RunState {
  const parts = outputs.map(
    ({ stage, round, part, hash, end }): PartState => ({
      stage,
      round,
      ...(part === undefined ? {} : { part }),
      hash,
      state: end ? 'stored' : 'broken off',
      done: 0,
      total: 0,
      unit: '',
      samples: [],
      ...(end ? { seconds: end.seconds } : {}),
    }),
  )
  const { damage } = notesOf(record)
  // What was damaged since it ended has been dropped, and is made again when it is resumed.
  const isWhole = outputs.every(({ end }) => end !== undefined)
  const status = isOpen
    ? 'elsewhere'
    : record.status === 'done' && !isWhole
      ? 'stopped'
      : SHOWN[record.status]
  return { id: record.id, status, parts, ...(damage ? { damage } : {}) }
}

/** Speed and time left; undefined before there is anything to tell them by. */
export function paceOf({
  samples,
  total,
  done,
}: Pick<PartState, 'samples' | 'total' | 'done'>):
  | { readonly rate: number; readonly secondsLeft: number }
  | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.at <= first.at || last.done <= first.done) return undefined
  const rate = (1000 * (last.done - first.done)) / (last.at - first.at)
  return { rate, secondsLeft: (total - done) / rate }
}

/** What a card shows of a stage. */
export interface StageState {
  readonly state: 'waiting' | 'running' | 'paused' | 'done' | 'stored' | 'stopped' | 'failed'
  /** Those there are so far, in order. */
  readonly parts: readonly PartState[]
  /** The one under way or broken off last. */
  readonly current?: PartState
}

/** A stage's part in a run. */
export function stageOf({ status, parts }: RunState, stage: StageName): StageState {
  const own = parts.filter((part) => part.stage === stage)
  const current = own.findLast(({ state }) => state === 'running' || state === 'broken off')
  if (current) {
    const state =
      status === 'paused' || status === 'failed' || status === 'stopped' || status === 'done'
        ? status
        : current.state === 'running'
          ? 'running'
          : 'stopped'
    return { state, parts: own, current }
  }
  if (own.length === 0) return { state: 'waiting', parts: own }
  // Pictures are all there is in its parts; elsewhere the whole has no part's name, and parts are what it is made of.
  const isWhole = stage === 'dataset' || own.some(({ part }) => part === undefined)
  if (!isWhole) return { state: status === 'running' ? 'running' : 'stopped', parts: own }
  return { state: own.every(({ state }) => state === 'stored') ? 'stored' : 'done', parts: own }
}

/** The output of a stage, by its part where it has several; of several rounds the last. */
export function partOf(state: RunState, stage: StageName, part?: string): PartState | undefined {
  return state.parts.findLast((other) => other.stage === stage && other.part === part)
}

function findPart(parts: readonly PartState[], place: StagePlace): PartState | undefined {
  return parts.find((part) => isSame(part, place))
}

function withPart(state: RunState, part: PartState): RunState {
  const index = state.parts.findIndex((other) => isSame(other, part))
  const parts = index < 0 ? [...state.parts, part] : state.parts.with(index, part)
  return { ...state, parts }
}

function withoutLoading({ loading: _, ...state }: RunState): RunState {
  return state
}

function isSame(a: StagePlace, b: StagePlace): boolean {
  return a.stage === b.stage && a.round === b.round && a.part === b.part
}
