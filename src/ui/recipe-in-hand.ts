import type { FolderSpec } from '../data/folder.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'
import { builtInRecipe } from './built-in-recipes.ts'
import {
  type LookedThrough,
  missingPictures,
  needsOwnPictures,
  onOwnPictures,
  type PictureRole,
} from './own-pictures.ts'
import type { OwnSources } from './own-sources.ts'
import {
  chosenModelsOf,
  type Json,
  MODEL_PATHS,
  OWN_MODELS,
  onModel,
  ownModelsOf,
  withChosenModels,
  withValuesOf,
} from './recipe-draft.ts'

/** The recipe a page has in hand, and the pictures and models that were given for it. */
export class RecipeInHand {
  /** As the settings have it, and what *Reset* goes back to; undefined before the first is taken. */
  recipe: Json | undefined
  defaults: Json | undefined
  /** Name of the built-in recipe that is chosen; empty for another. */
  chosen = ''
  /** Pictures and models that were given. */
  own: OwnSources = { pictures: {}, models: {} }
  /** The recipe with its pictures, in whose place the visitor's are. */
  #base: Json | undefined

  /** Takes a recipe as it is. */
  take(recipe: Json, chosen: string): void {
    this.#base = undefined
    this.#set(recipe, chosen, recipe)
  }

  /** Takes a recipe that comes with the page, on the pictures and with the models that were given. */
  async choose(name: string): Promise<void> {
    const recipe = await builtInRecipe(name)
    this.#base = recipe
    const chosen = withChosenModels(recipe, this.recipe, Object.keys(this.own.models))
    this.#set(this.#onPictures(chosen, recipe), name, this.#onPictures(recipe, recipe))
  }

  /**
   * Takes pictures of the visitor's, or none any more; all else of the recipe stays.
   * @returns whether the recipe is another now: it is not where it has been on these very pictures.
   */
  async givePictures(role: PictureRole, looked: LookedThrough | undefined): Promise<boolean> {
    const { [role]: _, ...others } = this.own.pictures
    const pictures = looked ? { ...others, [role]: looked } : role === 'train' ? {} : others
    this.own = { ...this.own, pictures }
    const { recipe, defaults, chosen } = this
    if (!recipe || !defaults) return false
    if (looked && needsOwnPictures(recipe) && !missingPictures(recipe, pictures)) return false
    if (!needsOwnPictures(recipe)) this.#base = recipe
    this.#base ??= await builtInRecipe(chosen || 'demo')
    this.#set(this.#onPictures(recipe, this.#base), chosen, this.#onPictures(defaults, this.#base))
    return true
  }

  /** The recipe with a model of an address. */
  withModel(role: ModelRole, source: string): Json | undefined {
    return this.recipe && this.#withFigures(onModel(this.recipe, { role, source }))
  }

  /** Takes a model's folder. @param sha256 of its files. @returns the recipe with it. */
  giveModel(role: ModelRole, folder: FolderSpec, sha256: string): Json | undefined {
    const { recipe } = this
    this.own = { ...this.own, models: { ...this.own.models, [role]: { folder, sha256 } } }
    const isSame = ownModelsOf(recipe).some((own) => own.role === role && own.sha256 === sha256)
    if (!recipe || isSame) return recipe
    return this.#withFigures(onModel(recipe, { role, source: OWN_MODELS[role], sha256 }))
  }

  /** The recipe with the models that come with the page. */
  async withPagesModels(): Promise<Json | undefined> {
    const { recipe } = this
    if (!recipe) return undefined
    const paths = chosenModelsOf(recipe).flatMap(({ role }) => MODEL_PATHS[role])
    return this.#withFigures(withValuesOf(recipe, await builtInRecipe(this.chosen || 'demo'), paths))
  }

  /** Of which pictures the figures are depends on the model, too. */
  #withFigures(recipe: Json): Json {
    const isOwn = needsOwnPictures(recipe) && !missingPictures(recipe, this.own.pictures)
    return isOwn && this.#base ? this.#onPictures(recipe, this.#base) : recipe
  }

  #onPictures(recipe: Json, base: Json): Json {
    return onOwnPictures(recipe, base, this.own.pictures)
  }

  #set(recipe: Json, chosen: string, defaults: Json): void {
    this.recipe = recipe
    this.chosen = chosen
    this.defaults = defaults
  }
}
