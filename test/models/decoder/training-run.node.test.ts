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
