import type { TrainerConfig } from './trainer-config.ts'

/** How a number of pairs becomes optimiser steps, counted as transformers' Trainer counts them. */
export interface StepPlan {
  /** Micro-batches of an epoch; the last may be smaller. */
  batchesPerEpoch: number
  /** Optimiser steps of an epoch; the last may accumulate fewer micro-batches. */
  stepsPerEpoch: number
  totalSteps: number
  warmupSteps: number
}

/** @throws {RangeError} when there are no pairs. */
export function planSteps(config: TrainerConfig, pairs: number): StepPlan {
  if (pairs < 1) throw new RangeError('training: expected at least one pair, got none')
  const batchesPerEpoch = Math.ceil(pairs / config.per_device_train_batch_size)
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / config.gradient_accumulation_steps)
  const totalSteps =
    config.max_steps > 0 ? config.max_steps : Math.ceil(config.num_train_epochs * stepsPerEpoch)
  const { warmup_steps: warmup, warmup_ratio: ratio } = config
  const warmupSteps = warmup >= 1 ? Math.floor(warmup) : Math.ceil(totalSteps * (warmup || ratio))
  return { batchesPerEpoch, stepsPerEpoch, totalSteps, warmupSteps }
}

/** Which micro-batches, counted through all epochs' batches, one optimiser step takes. */
export interface StepBatches {
  epoch: number
  /** First and last + 1 micro-batch within the epoch. */
  first: number
  end: number
}

/** The micro-batches of step `step`, counted from 0. */
export function batchesOfStep(config: TrainerConfig, plan: StepPlan, step: number): StepBatches {
  const epoch = Math.floor(step / plan.stepsPerEpoch)
  const first = (step % plan.stepsPerEpoch) * config.gradient_accumulation_steps
  return { epoch, first, end: Math.min(first + config.gradient_accumulation_steps, plan.batchesPerEpoch) }
}

/** Learning rate of step `step`, counted from 0, as transformers' `get_scheduler` gives it. */
export function learningRate(config: TrainerConfig, plan: StepPlan, step: number): number {
  return config.learning_rate * factor(config.lr_scheduler_type, step, plan, config.learning_rate)
}

/** The end of `polynomial`, transformers' default. */
const POLYNOMIAL_END = 1e-7
const INVERSE_SQRT_TIMESCALE = 10_000

function factor(
  schedule: TrainerConfig['lr_scheduler_type'],
  step: number,
  { warmupSteps, totalSteps }: StepPlan,
  initial: number,
): number {
  if (schedule === 'constant') return 1
  if (step < warmupSteps) return step / Math.max(1, warmupSteps)
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
  switch (schedule) {
    case 'constant_with_warmup':
      return 1
    case 'linear':
      return Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps))
    case 'cosine':
    case 'cosine_with_restarts': // one cycle, transformers' default
      return progress >= 1 && schedule !== 'cosine'
        ? 0
        : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)))
    case 'polynomial':
      if (step > totalSteps || initial === 0) return initial === 0 ? 0 : POLYNOMIAL_END / initial
      return ((initial - POLYNOMIAL_END) * (1 - progress) + POLYNOMIAL_END) / initial
    case 'inverse_sqrt': {
      const timescale = warmupSteps || INVERSE_SQRT_TIMESCALE
      return 1 / Math.sqrt((step + timescale - warmupSteps) / timescale)
    }
  }
}
