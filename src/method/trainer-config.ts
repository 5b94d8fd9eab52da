import * as v from 'valibot'
import { LOSS_TYPES, type PreferenceSettings, resolvePreference } from './losses.ts'
import { readSchema } from './schema.ts'

/** Learning-rate schedules of transformers that need no further settings. */
export const SCHEDULES = [
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
  'constant',
  'constant_with_warmup',
  'inverse_sqrt',
] as const
export type Schedule = (typeof SCHEDULES)[number]

/** A training setting is missing, unknown or out of range; the message names it, what it may be and what it was. */
export class TrainerConfigError extends Error {
  override readonly name = 'TrainerConfigError'
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const fromZero = v.pipe(v.number(), v.minValue(0))
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(0.999999))

const schema = v.strictObject({
  /** Strength of the pull towards the reference. */
  beta: v.optional(v.pipe(v.number(), v.gtValue(0)), 0.1),
  /** One loss or a sum of several. */
  loss_type: v.optional(v.union([v.picklist(LOSS_TYPES), v.array(v.picklist(LOSS_TYPES))]), 'sigmoid'),
  /** One weight for each loss; null weighs each 1. */
  loss_weights: v.optional(v.nullable(v.array(v.number())), null),
  label_smoothing: v.optional(v.number(), 0),
  discopop_tau: v.optional(v.number(), 0.05),
  learning_rate: v.optional(fromZero, 1e-6),
  lr_scheduler_type: v.optional(v.picklist(SCHEDULES), 'linear'),
  /** Steps of linear warm-up; below 1 the share of all steps. */
  warmup_steps: v.optional(fromZero, 0),
  /** The share of all steps, as older transformers had it; `warmup_steps` goes before it. */
  warmup_ratio: v.optional(share, 0),
  weight_decay: v.optional(fromZero, 0),
  adam_beta1: v.optional(share, 0.9),
  adam_beta2: v.optional(share, 0.999),
  adam_epsilon: v.optional(v.pipe(v.number(), v.gtValue(0)), 1e-8),
  /** Largest global gradient norm; 0 clips nothing. */
  max_grad_norm: v.optional(fromZero, 1),
  per_device_train_batch_size: v.optional(count, 8),
  gradient_accumulation_steps: v.optional(count, 1),
  num_train_epochs: v.optional(v.pipe(v.number(), v.gtValue(0)), 3),
  /** Optimiser steps in all, whatever the epochs; -1 leaves it to them. */
  max_steps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-1)), -1),
  /** Longest sequence, prompt and answer together; longer ones lose their end. null cuts nothing. */
  max_length: v.optional(v.nullable(count), 1024),
  /** Leave dropout out, a LoRA adapter's `lora_dropout` included; false lets it act. */
  disable_dropout: v.optional(v.boolean(), true),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1)), 42),
  /**
   * Keep pairs about one image and prompt next to each other when shuffling, so that batches compute their prompt once.
   * Default false: every pair is shuffled, as in TRL.
   */
  group_by_prompt: v.optional(v.boolean(), false),
  /** What the policy is held to: a given adapter's first state, as in TRL 1.x, or the model without adapter, as is a new one. */
  reference: v.optional(v.picklist(['initial', 'base']), 'initial'),
})

/** Training settings under TRL's names, with TRL 1.13's defaults. */
export type TrainerConfig = v.InferOutput<typeof schema>
/** The same as they are given: what is left out has its default. */
export type TrainerSettings = v.InferInput<typeof schema>

/**
 * Reads training settings; unknown keys are errors.
 * @throws {TrainerConfigError} naming the key, what was expected and what came.
 */
export function parseTrainerConfig(json: unknown, where = 'training settings'): TrainerConfig {
  const config = readSchema(schema, json, (message) => new TrainerConfigError(`${where}: ${message}`))
  try {
    resolvePreference(preferenceSettings(config))
  } catch (cause) {
    throw new TrainerConfigError(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  return config
}

/** The settings of the preference loss among a trainer's. */
export function preferenceSettings(config: TrainerConfig): PreferenceSettings {
  return {
    lossType: config.loss_type,
    ...(config.loss_weights ? { lossWeights: config.loss_weights } : {}),
    beta: config.beta,
    labelSmoothing: config.label_smoothing,
    discopopTau: config.discopop_tau,
  }
}
