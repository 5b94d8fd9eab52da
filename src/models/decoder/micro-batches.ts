import { batchesOfStep, type StepPlan } from '../../method/schedule.ts'
import type { TrainerConfig } from '../../method/trainer-config.ts'
import type { Prefix } from './batch.ts'
import { epochOrder } from './data-order.ts'

export interface MicroBatch {
  /** Places of its pairs in the data set. */
  readonly indices: readonly number[]
  /** Its number within the step. */
  readonly place: number
}

/** Which pairs each step of a run takes; an epoch's order is made once. */
export class MicroBatches {
  readonly #config: TrainerConfig
  readonly #plan: StepPlan
  readonly #pairs: readonly { readonly prefix: Pick<Prefix, 'key'> }[]
  readonly #shuffle: boolean
  #order: { readonly epoch: number; readonly indices: readonly number[] } | undefined

  /** @param shuffle false takes the pairs in their order, epoch after epoch. */
  constructor(
    config: TrainerConfig,
    plan: StepPlan,
    pairs: readonly { readonly prefix: Pick<Prefix, 'key'> }[],
    shuffle: boolean,
  ) {
    this.#config = config
    this.#plan = plan
    this.#pairs = pairs
    this.#shuffle = shuffle
  }

  /** @param step counted from 0. */
  of(step: number): MicroBatch[] {
    const { epoch, first, end } = batchesOfStep(this.#config, this.#plan, step)
    const order = this.#orderOf(epoch)
    const size = this.#config.per_device_train_batch_size
    return Array.from({ length: end - first }, (_, place) => {
      const start = (first + place) * size
      return { indices: order.slice(start, start + size), place }
    })
  }

  #orderOf(epoch: number): readonly number[] {
    if (this.#order?.epoch !== epoch) {
      const { seed, group_by_prompt: isGrouped } = this.#config
      const groups = isGrouped ? this.#pairs.map(({ prefix }) => prefix.key) : undefined
      const indices = epochOrder(this.#pairs.length, seed, epoch, { shuffle: this.#shuffle, groups })
      this.#order = { epoch, indices }
    }
    return this.#order.indices
  }
}
