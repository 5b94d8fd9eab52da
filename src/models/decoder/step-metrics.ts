import { namePreferenceMetrics, PREFERENCE_METRICS } from '../../kernels/preference.ts'

/** One optimiser step's figures under TRL's names. */
export interface StepMetrics {
  step: number
  epoch: number
  learning_rate: number
  grad_norm: number
  num_tokens: number
  loss: number
  entropy: number
  mean_token_accuracy: number
  'rewards/chosen': number
  'rewards/rejected': number
  'rewards/accuracies': number
  'rewards/margins': number
  'logps/chosen': number
  'logps/rejected': number
  'logits/chosen': number
  'logits/rejected': number
}

/** Floats between the figures of two micro-batches: views start at 256 bytes. */
export const METRICS_STRIDE = 64

/** A step's figures: the means over its micro-batches' rows of `PREFERENCE_METRICS`. */
export function stepMetrics(
  known: Pick<StepMetrics, 'step' | 'epoch' | 'learning_rate' | 'num_tokens' | 'grad_norm'>,
  values: Float32Array, // (microBatches or more, METRICS_STRIDE)
  microBatches: number,
): StepMetrics {
  const rows = Array.from({ length: microBatches }, (_, i) =>
    namePreferenceMetrics(
      values.subarray(i * METRICS_STRIDE, i * METRICS_STRIDE + PREFERENCE_METRICS.length),
    ),
  )
  const mean = (name: (typeof PREFERENCE_METRICS)[number]): number =>
    rows.reduce((total, row) => total + row[name], 0) / rows.length
  return {
    ...known,
    loss: mean('loss'),
    entropy: mean('entropy'),
    mean_token_accuracy: mean('mean_token_accuracy'),
    'rewards/chosen': mean('rewards/chosen'),
    'rewards/rejected': mean('rewards/rejected'),
    'rewards/accuracies': mean('rewards/accuracies'),
    'rewards/margins': mean('rewards/margins'),
    'logps/chosen': mean('logps/chosen'),
    'logps/rejected': mean('logps/rejected'),
    'logits/chosen': mean('logits/chosen'),
    'logits/rejected': mean('logits/rejected'),
  }
}
