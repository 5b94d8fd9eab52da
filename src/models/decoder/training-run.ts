import { type Ailment, HealthMonitor } from '../../method/health.ts'
import type { DpoTrainer, StepMetrics, TrainerState } from './trainer.ts'

export interface TrainingRunOptions {
  /** The trainer's beta, by which rewards become log-ratios. */
  readonly beta: number
  /** Figures of steps that were taken before: what is usual is learnt from a run's first steps. Default none. */
  readonly history?: readonly StepMetrics[]
  /** Optimiser steps between two states kept to go back to. Default 50. */
  readonly checkpointSteps?: number
  /** Cancels; the run rejects with its reason. */
  readonly signal?: AbortSignal
  /** Asked before every step: true ends the run after the steps under way, so that it can be continued later. */
  readonly shouldStop?: () => boolean
  /** Awaited before every step; it pauses the run by not resolving. */
  readonly gate?: () => Promise<void>
  /** Awaited before the first step, between steps and after the last, while the adapter is as `step` steps have left it. */
  readonly between?: (step: number) => Promise<void>
  readonly onStep?: (metrics: StepMetrics) => void
  /** Called with a state once a later step has shown that it is sound. */
  readonly onCheckpoint?: (state: TrainerState) => void
}

export interface TrainingOutcome {
  /** `unhealthy`: stopped because something was wrong; `state` is the last that was well. */
  readonly status: 'done' | 'stopped' | 'unhealthy'
  readonly state: TrainerState
  readonly ailment?: Ailment
}

/** Steps recorded ahead of the one whose figures are awaited: the GPU never waits for the CPU, and a pause takes hold soon. */
const STEPS_AHEAD = 1

/**
 * Trains to the end, to a stop or to the first sign of ill health. A state counts as good only when the figures of a later
 * step are: a step's own figures are those of the parameters before it.
 */
export async function runTraining(
  trainer: DpoTrainer,
  options: TrainingRunOptions,
): Promise<TrainingOutcome> {
  const { checkpointSteps = 50, signal, shouldStop, gate, between, onStep, onCheckpoint } = options
  const health = new HealthMonitor(options.beta)
  for (const figures of options.history ?? []) if (figures.step <= trainer.step) health.check(figures)
  const pending: Promise<StepMetrics>[] = []
  let good = await trainer.state()
  /** States that no later step has proved yet, the oldest first. */
  const candidates: { readonly step: number; readonly state: Promise<TrainerState> }[] = []
  let ailment: Ailment | undefined

  const settle = async (ahead: number): Promise<void> => {
    while (pending.length > ahead && !ailment) {
      const metrics = (await pending.shift()) as StepMetrics
      onStep?.(metrics)
      ailment = health.check(metrics)
      if (ailment || !health.isWell) continue
      const proved = candidates.splice(0, candidates.filter(({ step }) => step < metrics.step).length).at(-1)
      if (!proved) continue
      good = await proved.state
      onCheckpoint?.(good)
    }
  }

  while (!trainer.isDone && !ailment && !shouldStop?.()) {
    await gate?.()
    signal?.throwIfAborted()
    await between?.(trainer.step)
    await trainer.prepare()
    const step = trainer.trainStep()
    step.catch(() => {}) // awaited in its turn
    pending.push(step)
    await settle(STEPS_AHEAD)
    if (trainer.step % checkpointSteps !== 0 || ailment) continue
    const state = trainer.state()
    state.catch(() => {}) // awaited once it is proved
    candidates.push({ step: trainer.step, state })
    if (candidates.length > STEPS_AHEAD + 1) candidates.shift()
  }
  await settle(0)
  if (ailment) return { status: 'unhealthy', state: good, ailment }
  if (trainer.isDone) await between?.(trainer.step)
  const state = await trainer.state()
  if (!state.params.every(Number.isFinite)) {
    const message = `after step ${state.step} the adapter holds numbers that are not finite. Lower learning_rate`
    return { status: 'unhealthy', state: good, ailment: { kind: 'not-finite', step: state.step, message } }
  }
  return { status: trainer.isDone ? 'done' : 'stopped', state }
}
