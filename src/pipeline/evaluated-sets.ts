import { type DatasetRef, type Recipe, RecipeError } from './recipe.ts'
import type { RunSources } from './sources.ts'
import type { StageContext } from './stage.ts'
import { type DatasetOutput, datasetStage } from './stages/dataset.ts'
import {
  countTrainedOn,
  type EvaluatedPictures,
  expectOthers,
  type SetName,
  trainedOnNotes,
} from './trained-on.ts'

/** A data set that is evaluated. */
export interface EvaluatedSet {
  readonly name: SetName
  /** As the recipe names it. */
  readonly source: string
  readonly dataset: DatasetOutput
  /** How many of its pictures were trained on as well. */
  readonly trainedOn: number
}

/** The data sets of an evaluation, as far as its recipe has them. */
export interface EvaluatedSets {
  readonly main: EvaluatedSet
  readonly zeroShot?: EvaluatedSet
  readonly shown?: EvaluatedSet
}

/**
 * Reads the pictures that a recipe evaluates before anything that takes long is done, so that what cannot be evaluated is told at
 * once, and so is which of them are trained on as well.
 * @throws {RecipeError} when all pictures that are held out are trained on, or it is not known what single objects are.
 */
export async function readEvaluatedSets(
  context: StageContext,
  recipe: Pick<Recipe, 'dataset' | 'evaluate'>,
  sources: RunSources,
  trained: DatasetOutput,
): Promise<EvaluatedSets> {
  const { dataset: heldout, zero_shot: objects, shown } = recipe.evaluate
  const read = async (ref: DatasetRef, part: string, name: SetName): Promise<EvaluatedSet> => {
    const dataset = await datasetStage(context, ref, { sources, round: 0, part })
    const trainedOn = await countTrainedOn(dataset, trained)
    return { name, source: ref.source, dataset, trainedOn }
  }
  const main = await read(heldout, 'heldout', '')
  expectOthers(compared(main), { trained: recipe.dataset.source, evaluated: heldout.source })
  const zeroShot = objects ? await read(objects, 'zero-shot', 'zero-shot ') : undefined
  if (zeroShot) expectKnown(zeroShot)
  const sets = {
    main,
    ...(zeroShot ? { zeroShot } : {}),
    ...(shown ? { shown: await read(shown, 'shown', 'shown ') } : {}),
  }
  for (const text of setNotes(Object.values(sets))) context.emit({ kind: 'note', text })
  return sets
}

/** What limits the figures of some data sets, a sentence each. */
export function setNotes(sets: readonly EvaluatedSet[]): string[] {
  const [unknown] = sets.filter(({ name, dataset }) => name === '' && dataset.summary.withTruth === 0)
  return [
    ...(unknown
      ? [
          `It is not known what the ${unknown.dataset.summary.images} pictures evaluated show, so nothing can be said of hallucination: ` +
            'compare what the model says of them before and after. Columns truth and hallu, MS-COCO’s instances or AMBER’s files would say.',
        ]
      : []),
    ...trainedOnNotes(sets.map(compared)),
  ]
}

function compared({ name, trainedOn, dataset }: EvaluatedSet): EvaluatedPictures {
  return { name, trainedOn, images: dataset.summary.images }
}

/** @throws {RecipeError} */
function expectKnown({ source, dataset }: EvaluatedSet): void {
  if (dataset.summary.withTruth > 0) return
  throw new RecipeError(
    `evaluate.zero_shot ${source}: expected pictures whose truth is known (columns truth and hallu, or AMBER’s files), got none; ` +
      'classify embedded:emoji-scenes/zeroshot or add the columns',
  )
}
