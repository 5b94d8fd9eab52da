import { RecipeError } from './recipe.ts'
import type { DatasetOutput } from './stages/dataset.ts'

/** Sets of pictures that a run measures: those held out, single objects, and some of which no figures are made. It begins the names of their parts. */
export type SetName = '' | 'zero-shot ' | 'shown '

const USES: Readonly<Record<SetName, string>> = {
  '': 'evaluated',
  'zero-shot ': 'classified',
  'shown ': 'shown side by side',
}

/** A data set that is evaluated, and how many of its pictures were trained on as well. */
export interface EvaluatedPictures {
  readonly name: SetName
  readonly images: number
  readonly trainedOn: number
}

/** How many of the pictures that are evaluated were trained on as well, by their files' contents. */
export async function countTrainedOn(evaluated: DatasetOutput, trained: DatasetOutput): Promise<number> {
  const known = new Set<string>()
  for await (const [, items] of trained.units.units()) for (const { hash } of items) known.add(hash)
  let count = 0
  for await (const [, items] of evaluated.units.units())
    count += items.filter(({ hash }) => known.has(hash)).length
  return count
}

/** Says in words how many of the pictures evaluated were trained on; nothing when none was. */
export function trainedOnNotes(evaluated: readonly EvaluatedPictures[]): string[] {
  return evaluated.flatMap(({ name, images, trainedOn }) =>
    trainedOn === 0
      ? []
      : [
          `Of the ${images} pictures ${USES[name]} ${trainedOn === images ? 'all' : trainedOn} ` +
            'were trained on as well: on new pictures the figures may well be worse.',
        ],
  )
}

/** @throws {RecipeError} when all pictures were trained on: what was learnt by heart would count as skill. */
export function expectOthers(
  { images, trainedOn }: EvaluatedPictures,
  sources: { readonly trained: string; readonly evaluated: string },
): void {
  if (trainedOn < images) return
  throw new RecipeError(
    `evaluate.dataset ${sources.evaluated}: expected pictures that are not trained on, got ${images} that all are in ` +
      `dataset ${sources.trained} as well; evaluate on others, or divide one data set between the two by skip and limit`,
  )
}
