import { type DatasetRef, type ModelRef, recipeJson } from './recipe.ts'
import type { RunOutput } from './run.ts'
import type { SetName } from './trained-on.ts'

/**
 * A run's recipe as the document it is read from, with the hashes of the models and pictures that it ran on: given again it comes
 * to the same or says what is another.
 */
export function pinnedRecipe({
  recipe,
  models,
  dataset,
  measured,
}: Pick<RunOutput, 'recipe' | 'models' | 'dataset' | 'measured'>): Record<string, unknown> {
  const model = <R extends ModelRef>(ref: R, sha256: string | undefined): R =>
    sha256 === undefined ? ref : { ...ref, sha256 }
  const pictures = (ref: DatasetRef, used: RunOutput['dataset'] | undefined): DatasetRef => {
    const sha256 = used?.summary.sourceHash
    return sha256 === undefined ? ref : { ...ref, sha256 }
  }
  const setOf = (name: SetName) => measured.find((set) => set.name === name)?.dataset
  const { questions } = recipe.caption
  const { zero_shot: objects, shown, ...evaluate } = recipe.evaluate
  return recipeJson({
    ...recipe,
    dataset: pictures(recipe.dataset, dataset),
    policy: model(recipe.policy, models.policy),
    clip: model(recipe.clip, models.clip),
    captioners: recipe.captioners.map((ref, i) => model(ref, models.captioners?.[i])),
    caption: {
      ...recipe.caption,
      questions: questions?.writer
        ? { ...questions, writer: model(questions.writer, models.writer) }
        : questions,
    },
    evaluate: {
      ...evaluate,
      dataset: pictures(evaluate.dataset, setOf('')),
      zero_shot: objects ? pictures(objects, setOf('zero-shot ')) : objects,
      ...(shown ? { shown: pictures(shown, setOf('shown ')) } : {}),
    },
  })
}
