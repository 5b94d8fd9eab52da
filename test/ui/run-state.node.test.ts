import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../src/pipeline/events.ts'
import type { StoredRun } from '../../src/pipeline/runner.api.ts'
import { afterEvent, paceOf, partOf, type RunState, stageOf, stateOf } from '../../src/ui/run-state.ts'

const RUNNING: RunState = { status: 'running', id: 'r', parts: [] }
const stage = (
  name: 'dataset' | 'caption' | 'evaluate',
  state: 'running' | 'done' | 'stored',
  more: { part?: string; round?: number; seconds?: number } = {},
): RunEvent => ({ kind: 'stage', stage: name, round: 1, state, hash: `${name}-hash`, ...more })
const progress = (done: number, total: number, unit = 'pictures', detail?: string): RunEvent => ({
  kind: 'progress',
  stage: 'caption',
  round: 1,
  done,
  total,
  unit,
  ...(detail === undefined ? {} : { detail }),
})
/** The state after events one second apart. */
const later = (events: readonly RunEvent[], start = RUNNING): RunState =>
  events.reduce((state, event, i) => afterEvent(state, event, i * 1000), start)

describe('a stage', () => {
  test('waits, runs, and is done with its time', () => {
    expect(stageOf(RUNNING, 'caption')).toEqual({ state: 'waiting', parts: [] })
    const running = later([stage('caption', 'running'), progress(16, 64, 'pictures', '40 candidates')])
    expect(stageOf(running, 'caption')).toMatchObject({
      state: 'running',
      current: { done: 16, total: 64, unit: 'pictures', detail: '40 candidates', hash: 'caption-hash' },
    })
    const done = later([stage('caption', 'done', { seconds: 12 })], running)
    expect(stageOf(done, 'caption')).toMatchObject({ state: 'done', parts: [{ seconds: 12, done: 16 }] })
    expect(stageOf(done, 'caption').current).toBeUndefined()
  })

  test('that was kept says so, and is done where only a part of it was', () => {
    const kept = later([stage('dataset', 'stored', { part: 'train', seconds: 3 })])
    expect(stageOf(kept, 'dataset').state).toBe('stored')
    const mixed = later(
      [stage('dataset', 'running', { part: 'heldout' }), stage('dataset', 'done', { part: 'heldout' })],
      kept,
    )
    expect(stageOf(mixed, 'dataset').state).toBe('done')
  })

  test('of evaluation is not done before its last part is, which has no name', () => {
    const measured = later([
      stage('evaluate', 'running', { part: 'before' }),
      stage('evaluate', 'done', { part: 'before' }),
    ])
    expect(stageOf(measured, 'evaluate').state).toBe('running')
    const whole = later([stage('evaluate', 'running'), stage('evaluate', 'done')], measured)
    expect(stageOf(whole, 'evaluate').state).toBe('done')
  })

  test('of captions is not done while its parts are, and is under way again with the questions', () => {
    const written = later([
      stage('caption', 'running'),
      stage('caption', 'running', { part: 'captioner0' }),
      stage('caption', 'done', { part: 'captioner0' }),
    ])
    expect(stageOf(written, 'caption')).toMatchObject({ state: 'running', current: { hash: 'caption-hash' } })
    const whole = later([stage('caption', 'done')], written)
    expect(stageOf(whole, 'caption').state).toBe('done')
    const asking = later([stage('caption', 'running', { part: 'questions' })], whole)
    expect(stageOf(asking, 'caption')).toMatchObject({ state: 'running', current: { part: 'questions' } })
  })

  test('under way is paused, stopped or failed as its run is', () => {
    const running = later([stage('caption', 'running')])
    for (const status of ['paused', 'stopped', 'failed'] as const)
      expect(stageOf({ ...running, status }, 'caption').state).toBe(status)
  })

  test('of the last round is what is shown', () => {
    const two = later([
      stage('caption', 'done'),
      { ...stage('caption', 'running'), round: 2, hash: 'second' } as RunEvent,
    ])
    expect(partOf(two, 'caption')?.hash).toBe('second')
  })
})

describe('pace', () => {
  test('looks at the last half minute alone', () => {
    let state = later([stage('caption', 'running')])
    for (let second = 1; second <= 20; second++)
      state = afterEvent(state, progress(second, 1000), second * 1000)
    for (let second = 61; second <= 70; second++)
      state = afterEvent(state, progress(20 + 10 * (second - 60), 1000), second * 1000)
    const pace = paceOf(stageOf(state, 'caption').current ?? { samples: [], total: 0, done: 0 })
    expect(pace?.rate).toBeCloseTo(10, 9)
    expect(pace?.secondsLeft).toBeCloseTo(88, 9)
  })

  test('is not told before anything was done, and begins anew when something else is counted', () => {
    const begun = later([
      stage('caption', 'running'),
      progress(0, 8),
      progress(4, 8),
      progress(10, 99, 'steps'),
    ])
    expect(paceOf(stageOf(begun, 'caption').current ?? { samples: [], total: 0, done: 0 })).toBeUndefined()
    expect(
      paceOf({
        samples: [
          { at: 0, done: 0 },
          { at: 0, done: 3 },
        ],
        total: 9,
        done: 3,
      }),
    ).toBeUndefined()
  })
})

describe('a run from the store', () => {
  const stored = (status: StoredRun['record']['status'], isOpen: boolean): StoredRun => ({
    record: { id: 'r', name: 'n', recipe: {}, recipeHash: 'h', createdAt: 0, status, stages: [] },
    isOpen,
    outputs: [
      { stage: 'dataset', round: 1, part: 'train', hash: 'a', end: { seconds: 2, summary: {} } },
      { stage: 'caption', round: 1, hash: 'b' },
    ],
  })

  test('of which something was lost after its end can be resumed, and tells what', () => {
    const notes = { damage: [{ stage: 'caption', text: 'lost' }] }
    const { record, ...rest } = stored('done', false)
    const state = stateOf({ ...rest, record: { ...record, notes } })
    expect(state).toMatchObject({ status: 'stopped', damage: notes.damage })
    const whole = rest.outputs.map((output) => ({ ...output, end: { seconds: 1, summary: {} } }))
    expect(stateOf({ ...rest, record, outputs: whole })).toMatchObject({ status: 'done' })
  })

  test('that was left while it ran was stopped', () => {
    const state = stateOf(stored('running', false))
    expect(state).toMatchObject({ status: 'stopped', id: 'r' })
    expect(stageOf(state, 'dataset').state).toBe('stored')
    expect(stageOf(state, 'caption').state).toBe('stopped')
  })

  test('that another tab has is elsewhere', () => {
    expect(stateOf(stored('running', true)).status).toBe('elsewhere')
  })
})

test('a model being loaded is shown until it is there', () => {
  const loading = later([{ kind: 'loading', what: 'm', done: 1, total: 3 }])
  expect(loading.loading).toEqual({ what: 'm', done: 1, total: 3 })
  expect(later([{ kind: 'loading', what: 'm', done: 3, total: 3 }], loading).loading).toBeUndefined()
})
