import type { StepPlan } from '../../method/schedule.ts'
import type { TrainerConfig } from '../../method/trainer-config.ts'
import type { Prefix } from './batch.ts'
import { MicroBatches } from './micro-batches.ts'
import type { BatchRows } from './workspace.ts'

/** What the size of a batch depends on. */
export interface PairLengths {
  readonly prefix: Pick<Prefix, 'key' | 'ids'>
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
}

export interface TrainingRowsOptions {
  readonly config: TrainerConfig
  readonly plan: StepPlan
  readonly pairs: readonly PairLengths[]
  /** Each of these in a prefix is a row of image features; undefined for text-only models. */
  readonly imageTokenId?: number | undefined
  readonly shuffle: boolean
  readonly share: boolean
}

/**
 * The most rows any batch of a training run has, the reference's batches included, from the order in which the run will
 * take its pairs; so that buffers are made once, before the first step.
 */
export function trainingRows(options: TrainingRowsOptions): BatchRows {
  const { config, plan, pairs, shuffle } = options
  const size = config.per_device_train_batch_size
  const most: BatchRows = { tokens: 0, answers: 0, sequences: 0, features: 1 }
  const include = (indices: readonly number[]): void => {
    const rows = rowsOf(
      indices.map((i) => pairs[i] as PairLengths),
      options,
    )
    for (const key of Object.keys(most) as (keyof BatchRows)[]) most[key] = Math.max(most[key], rows[key])
  }
  for (let first = 0; first < pairs.length; first += size) {
    include(Array.from({ length: Math.min(size, pairs.length - first) }, (_, i) => first + i))
  }
  // Without shuffling every epoch takes the batches just seen.
  if (!shuffle) return most
  const batches = new MicroBatches(config, plan, pairs, shuffle)
  for (let step = 0; step < plan.totalSteps; step++)
    for (const { indices } of batches.of(step)) include(indices)
  return most
}

/** Rows of one batch; equal answers of one prefix, which share their rows, are counted each. */
function rowsOf(
  pairs: readonly PairLengths[],
  { config, imageTokenId, share }: TrainingRowsOptions,
): BatchRows {
  const seen = new Set<string>()
  const rows: BatchRows = { tokens: 0, answers: 0, sequences: 2 * pairs.length, features: 0 }
  for (const { prefix, chosen, rejected } of pairs) {
    const room = Math.max(0, (config.max_length ?? Number.POSITIVE_INFINITY) - prefix.ids.length)
    const answers = Math.min(room, chosen.length) + Math.min(room, rejected.length)
    const copies = !share ? 2 : seen.has(prefix.key) ? 0 : 1
    seen.add(prefix.key)
    rows.tokens += copies * prefix.ids.length + answers
    rows.answers += answers
    rows.features += copies * prefix.ids.filter((id) => id === imageTokenId).length
  }
  return rows
}
