import { expect, test, vi } from 'vitest'
import type { RunDamage } from '../../src/pipeline/damage.ts'
import type { RunEvent } from '../../src/pipeline/events.ts'
import { RunController, type RunEngine } from '../../src/ui/run-controller.ts'

const RUNNING: RunEvent = {
  kind: 'stage',
  stage: 'dataset',
  round: 1,
  part: 'train',
  state: 'running',
  hash: 'd',
}
const SOURCES = { site: 'https://example.org/' }

/** A runner whose run ends as the test says. */
function engine() {
  const calls: string[] = []
  let emit = (_: RunEvent): void => {}
  let damage = (_: RunDamage): void => {}
  let end = { resolve: (): void => {}, reject: (_: Error): void => {} }
  const made: RunEngine = {
    idOf: async () => 'id',
    run: (_, __, onEvent) => {
      emit = onEvent
      return new Promise((resolve, reject) => {
        end = { resolve, reject }
      })
    },
    pause: async () => void calls.push('pause'),
    resume: async () => void calls.push('resume'),
    cancel: async () => void calls.push('cancel'),
    open: async () => undefined,
    watchDamage: async (onDamage) => {
      damage = onDamage
    },
  }
  return {
    made,
    calls,
    emit: (event: RunEvent) => emit(event),
    damage: (found: RunDamage) => damage(found),
    end: () => end,
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve))

test('a run is started once, told as it goes, and done', async () => {
  const { made, emit, end } = engine()
  const controller = new RunController(made, () => 0)
  const heard: string[] = []
  controller.addEventListener('run', (event) => heard.push((event as CustomEvent<RunEvent>).detail.kind))
  const started = controller.start({}, SOURCES)
  await settle()
  expect(await controller.start({}, SOURCES)).toBe(false)
  emit(RUNNING)
  expect(controller.state).toMatchObject({
    status: 'running',
    id: 'id',
    parts: [{ stage: 'dataset', state: 'running' }],
  })
  end().resolve()
  expect(await started).toBe(true)
  expect(controller.state.status).toBe('done')
  expect(heard).toEqual(['stage'])
})

test('damage is told of the run that is shown, whose end no longer holds, and stays when it goes on', async () => {
  const { made, damage, end } = engine()
  const controller = new RunController(made)
  const started = controller.start({}, SOURCES)
  await settle()
  damage({ runs: ['other'], text: 'of another' })
  damage({ runs: ['other', 'id'], stage: 'score', text: 'lost' })
  expect(controller.state).toMatchObject({ status: 'running', damage: [{ stage: 'score', text: 'lost' }] })
  end().resolve()
  await started
  expect(controller.state.status).toBe('done')
  damage({ runs: ['id'], text: 'lost later' })
  expect(controller.state.status).toBe('stopped')
  void controller.start({}, SOURCES)
  await settle()
  expect(controller.state.status).toBe('running')
  expect(controller.state.damage?.map(({ text }) => text)).toEqual(['lost', 'lost later'])
})

test('pause and resume reach the runner only when there is something to hold', async () => {
  const { made, calls } = engine()
  const controller = new RunController(made)
  await controller.pause()
  void controller.start({}, SOURCES)
  await settle()
  await controller.resume()
  await controller.pause()
  expect(controller.state.status).toBe('paused')
  await controller.resume()
  expect(controller.state.status).toBe('running')
  expect(calls).toEqual(['pause', 'resume'])
})

test('a run that is stopped is no problem, and what was under way was broken off', async () => {
  const { made, emit, end, calls } = engine()
  const controller = new RunController(made)
  const started = controller.start({}, SOURCES)
  await settle()
  emit(RUNNING)
  await controller.cancel()
  expect(controller.state.status).toBe('stopping')
  expect(calls).toEqual(['cancel'])
  end().reject(new DOMException('stopped', 'AbortError'))
  expect(await started).toBe(false)
  expect(controller.state).toMatchObject({ status: 'stopped', parts: [{ state: 'broken off' }] })
  expect(controller.state.problem).toBeUndefined()
})

test('a failure says in plain words what to do', async () => {
  const { made, end } = engine()
  const controller = new RunController(made)
  const started = controller.start({}, SOURCES)
  await settle()
  end().reject(Object.assign(new Error('run x: open'), { name: 'RunLockedError' }))
  await started
  expect(controller.state.status).toBe('failed')
  expect(controller.state.problem).toMatch(/open in another tab.*run x: open/)
})

test('a run that is open in another tab is looked at until it is not, or another is shown', async () => {
  vi.useFakeTimers()
  try {
    const { made } = engine()
    let isOpen = true
    const asked: string[] = []
    made.open = async (id) => {
      asked.push(id)
      const record = {
        id,
        name: id,
        recipe: {},
        recipeHash: '',
        createdAt: 0,
        status: 'running' as const,
        stages: [],
      }
      return { record, isOpen, outputs: [] }
    }
    const controller = new RunController(made)
    await controller.show('a')
    expect(controller.state.status).toBe('elsewhere')
    isOpen = false
    await vi.advanceTimersByTimeAsync(3000)
    expect(controller.state.status).toBe('stopped')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toEqual(['a', 'a'])

    isOpen = true
    await controller.show('a')
    controller.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toEqual(['a', 'a', 'a'])
    expect(controller.state.status).toBe('idle')
  } finally {
    vi.useRealTimers()
  }
})
