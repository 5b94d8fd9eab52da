import type { StageStore } from '../../store/stages.ts'
import type { StepMetrics } from '../../workers/policy.api.ts'

/** Steps whose figures one unit holds, so that a checkpoint writes no more of them the longer a training is. */
const STEPS_A_UNIT = 100

/** The unit that holds the figures of a step; the first step is 1. */
const unitOf = (step: number): number => Math.floor((step - 1) / STEPS_A_UNIT)

/** The output of a training, of which units with numbers hold steps. */
type Units = Pick<StageStore<unknown>, 'get' | 'expect' | 'keys' | 'put'>

/**
 * The figures of a training's steps in order, also of one that is not done yet.
 * @param isWhole a unit that turns out damaged is an error; otherwise its steps are missing. Default false.
 * @throws {IncompleteStageError}
 */
export async function readSteps(units: Omit<Units, 'put'>, isWhole = false): Promise<StepMetrics[]> {
  const steps: StepMetrics[] = []
  for (const unit of await units.keys()) {
    if (typeof unit !== 'number') continue
    const own = isWhole ? await units.expect(unit) : await units.get(unit)
    if (own) steps.push(...(own as readonly StepMetrics[]))
  }
  return steps
}

/** Keeps the figures of a training's steps, in units of a hundred. */
export class StepLog {
  readonly #units: Pick<Units, 'put'>
  readonly #steps = new Map<number, StepMetrics[]>()
  /** Units that are not stored as they are now. */
  readonly #changed = new Set<number>()

  /** @param kept what is stored already. */
  constructor(units: Pick<Units, 'put'>, kept: readonly StepMetrics[]) {
    this.#units = units
    for (const step of kept) this.#of(step).push(step)
  }

  add(metrics: StepMetrics): void {
    this.#of(metrics).push(metrics)
    this.#changed.add(unitOf(metrics.step))
  }

  /** Stores what has been added. @throws {StorageFullError} */
  async save(): Promise<void> {
    for (const unit of [...this.#changed]) {
      this.#changed.delete(unit) // before, since steps may be added meanwhile
      try {
        await this.#units.put(unit, this.#steps.get(unit))
      } catch (error) {
        this.#changed.add(unit)
        throw error
      }
    }
  }

  #of({ step }: StepMetrics): StepMetrics[] {
    const unit = unitOf(step)
    const steps = this.#steps.get(unit) ?? []
    this.#steps.set(unit, steps)
    return steps
  }
}
