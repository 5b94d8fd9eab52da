import type { PeftFiles } from '../workers/policy.api.ts'
import type { AdapterSource } from './models.ts'
import { type EvaluateSettings, RecipeError } from './recipe.ts'
import { adapterHash, type TrainOutput, trainedAdapter } from './stages/train.ts'
import { stateUnit, type WatchedTraining } from './stages/watch.ts'

/** A place on the way of a run's trainings: after so many steps of a round. */
export type OnTheWay = NonNullable<EvaluateSettings['adapter']>

/**
 * The adapter a run is evaluated with: as it was after a step, or the finished one.
 * @param trainings of all rounds, in their order.
 * @throws {RecipeError} when none was kept there; the message names the steps at which one was.
 */
export async function evaluatedAdapter(
  trainings: readonly Pick<TrainOutput, 'units'>[],
  after: OnTheWay | undefined,
): Promise<AdapterSource> {
  const last = trainings.at(-1)
  if (!last) throw new RangeError('run: expected at least one round, got none')
  return after ? await adapterAfter(trainings[after.round - 1], after) : await trainedAdapter(last)
}

async function adapterAfter(
  training: Pick<TrainOutput, 'units'> | undefined,
  { round, step }: OnTheWay,
): Promise<AdapterSource> {
  const files = (await training?.units.get(stateUnit(step))) as PeftFiles | undefined
  if (files) return { files, hash: await adapterHash(files) }
  const { states = [] } = ((await training?.units.get('watched')) ?? {}) as Partial<WatchedTraining>
  const kept = states.flatMap((state) => (state.isKept && state.step > 0 ? state.step : []))
  throw new RecipeError(
    `the adapter after step ${step} of round ${round}: expected one that was kept ` +
      `(after ${kept.sort((a, b) => a - b).join(', ') || 'no step'}), found none; choose another, or the finished one ` +
      'by leaving evaluate.adapter out',
  )
}
