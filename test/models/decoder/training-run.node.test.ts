import { expect, test } from 'vitest'
import type { DpoTrainer, StepMetrics } from '../../../src/models/decoder/trainer.ts'
import { runTraining } from '../../../src/models/decoder/training-run.ts'

/** Figures of a step that is well but for its gradient's norm. */
const figures = (step: number, norm: number): StepMetrics =>
  ({
    step,
    loss: 0.6,
    grad_norm: norm,
    'rewards/chosen': 0,
    'logps/chosen': -50,
    'logps/rejected': -60,
  }) as StepMetrics

/** A trainer taken up after some steps, whose gradients have grown large meanwhile. */
function resumed(after: number, totalSteps: number, norm: number): DpoTrainer {
  let step = after
  return {
    get step() {
      return step
    },
    get isDone() {
      return step >= totalSteps
    },
    prepare: async () => {},
    trainStep: async () => figures(++step, norm),
    state: async () => ({ step, params: new Float32Array(1) }),
  } as unknown as DpoTrainer
}

test('a training that is taken up knows from its earlier steps what is usual', async () => {
  const history = Array.from({ length: 30 }, (_, i) => figures(i + 1, 2))
  const healthy = await runTraining(resumed(20, 40, 1000), { beta: 0.1 })
  expect(healthy.status).toBe('done')
  const { status, ailment } = await runTraining(resumed(20, 40, 1000), { beta: 0.1, history })
  expect(status).toBe('unhealthy')
  expect(ailment).toMatchObject({ kind: 'exploding', step: 23 })
})

test('steps that will be taken again teach nothing', async () => {
  const later = Array.from({ length: 10 }, (_, i) => figures(i + 21, 1e-3))
  expect((await runTraining(resumed(20, 40, 2), { beta: 0.1, history: later })).status).toBe('done')
})

test('figures and states are awaited only once the next step is recorded', async () => {
  /** What is asked of the trainer, and what it has answered, in order. */
  const log: string[] = []
  let step = 0
  const later = async <T>(what: string, value: T): Promise<T> => {
    log.push(what)
    await new Promise((resolve) => setTimeout(resolve, 5))
    log.push(`${what} is there`)
    return value
  }
  const trainer = {
    get step() {
      return step
    },
    get isDone() {
      return step >= 4
    },
    prepare: async () => {},
    trainStep: () => later(`step ${++step}`, figures(step, 2)),
    state: () => later(`state ${step}`, { step, params: new Float32Array(1) }),
  } as unknown as DpoTrainer
  const saved: number[] = []
  const onCheckpoint = (state: { step: number }) => void saved.push(state.step)
  await runTraining(trainer, { beta: 0.1, checkpointSteps: 1, onCheckpoint })
  expect(saved).toEqual([1, 2, 3])
  for (const n of [1, 2, 3]) {
    expect(log.indexOf(`step ${n + 1}`)).toBeLessThan(log.indexOf(`step ${n} is there`))
    expect(log.indexOf(`step ${n + 1}`)).toBeLessThan(log.indexOf(`state ${n} is there`))
  }
})

test('a state counts as good only once a later step shows that it is', async () => {
  const norms = [2, 2, 1000, 1000, 2, 2]
  let step = 0
  const trainer = {
    get step() {
      return step
    },
    get isDone() {
      return step >= norms.length
    },
    prepare: async () => {},
    trainStep: async () => figures(++step, norms[step - 1] ?? 0),
    state: async () => ({ step, params: new Float32Array(1) }),
  } as unknown as DpoTrainer
  const saved: number[] = []
  const onCheckpoint = (state: { step: number }) => void saved.push(state.step)
  await runTraining(trainer, { beta: 0.1, checkpointSteps: 1, onCheckpoint })
  expect(saved).toEqual([1, 4, 5])
})
