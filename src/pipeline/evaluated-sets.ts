import { type DatasetRef, type Recipe, RecipeError } from './recipe.ts'
import type { RunSources } from './sources.ts'
import type { StageContext } from './stage.ts'
import { type DatasetOutput, datasetStage } from './stages/dataset.ts'
import { countTrainedOn, expectOthers, trainedOnNotes } from './trained-on.ts'

/** A data set that is evaluated. */
export interface EvaluatedSet {
  /** `` for the held-out pictures, `zero-shot ` for single objects. */
  readonly name: string
  readonly dataset: DatasetOutput
  /** How many of its pictures were trained on as well. */
  readonly trainedOn: number
}

/**
 * Reads the pictures that a recipe evaluates before anything that takes long is done, so that what cannot be evaluated is told at
 * once, and so is which of them are trained on as well.
 * @throws {RecipeError} when nothing is known of a set's pictures, or all that are held out are trained on.
 */
export async function readEvaluatedSets(
  context: StageContext,
  recipe: Pick<Recipe, 'dataset' | 'evaluate'>,
  sources: RunSources,
  trained: DatasetOutput,
): Promise<{ readonly main: EvaluatedSet; readonly zeroShot?: EvaluatedSet }> {
  const { dataset: heldout, zero_shot: objects } = recipe.evaluate
  const read = async (ref: DatasetRef, part: string, name: string): Promise<EvaluatedSet> => {
    const dataset = await datasetStage(context, ref, { sources, round: 0, part })
    if (dataset.summary.withTruth === 0) {
      throw new RecipeError(
        `evaluate.${name === '' ? 'dataset' : 'zero_shot'} ${ref.source}: expected pictures whose truth is known (columns truth and ` +
          'hallu, or AMBER’s files), got none; evaluate on embedded:emoji-scenes/heldout or add the columns',
      )
    }
    const trainedOn = await countTrainedOn(dataset, trained)
    const compared = { name, images: dataset.summary.images, trainedOn }
    if (name === '') expectOthers(compared, { trained: recipe.dataset.source, evaluated: ref.source })
    for (const text of trainedOnNotes([compared])) context.emit({ kind: 'note', text })
    return { name, dataset, trainedOn }
  }
  const main = await read(heldout, 'heldout', '')
  return { main, ...(objects ? { zeroShot: await read(objects, 'zero-shot', 'zero-shot ') } : {}) }
}
