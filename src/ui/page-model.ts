import type { FolderSpec } from '../data/folder.ts'
import type { OnTheWay } from '../pipeline/evaluated-adapter.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'
import {
  askPersistence,
  type RunnerClient,
  type StorageState,
  storageState,
} from '../pipeline/runner-client.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { builtInNameOf, builtInRecipe } from './built-in-recipes.ts'
import type { GivenPictures } from './given-pictures.ts'
import { plainProblem } from './problems.ts'
import {
  chosenModelsOf,
  type Json,
  MODEL_PATHS,
  needsOwnPictures,
  OWN_MODELS,
  OWN_PICTURES,
  onModel,
  onOwnPictures,
  ownModelsOf,
  withAdapter,
  withChosenModels,
  withValuesOf,
} from './recipe-draft.ts'
import { recipeFragment, recipeOfFragment } from './recipe-link.ts'
import { RunController } from './run-controller.ts'

/** Most of the visitor's pictures that are taken unless the settings say otherwise. */
const OWN_LIMIT = 256
/** How often a run that is open in another tab is looked at, in milliseconds. */
const ELSEWHERE_MS = 3000
/** A tab that was reloaded lets its run go a moment later. */
const RELEASE_MS = 300
const RELEASE_TRIES = 10

/**
 * What a page has in hand: a recipe that can be changed, pictures that were given, and the run that is shown. Dispatches `change`.
 */
export class PageModel extends EventTarget {
  readonly runner: RunnerClient
  readonly controller: RunController
  /** The recipe as the settings have it, and what *Reset* goes back to. */
  recipe: Json | undefined
  defaults: Json | undefined
  /** Name of the built-in recipe that is chosen; empty for another. */
  chosen = ''
  given: GivenPictures | undefined
  /** Folders of models that were given. */
  models: Readonly<Partial<Record<ModelRole, FolderSpec>>> = {}
  storage: StorageState | undefined
  problem: string | undefined
  readonly #site: string
  /** The recipe with its pictures, in whose place the visitor's are. */
  #recipesPictures: Json | undefined
  /** The recipe of the run that is shown, as JSON. */
  #shown: string | undefined
  #watch: ReturnType<typeof setTimeout> | undefined

  /** @param site address of the page, where what comes with it lies. */
  constructor(runner: RunnerClient, site: string) {
    super()
    this.runner = runner
    this.#site = site
    this.controller = new RunController(runner)
    this.controller.addEventListener('change', () => this.#tell())
  }

  /** Whether the settings are others than those of the run that is shown. */
  get isChanged(): boolean {
    return this.#shown !== undefined && this.#shown !== JSON.stringify(this.recipe)
  }

  /** What is missing before a run can start; empty when nothing is. */
  get missing(): string {
    if (needsOwnPictures(this.recipe) && !this.given)
      return 'This run is on pictures of your own: choose the same ones again, above, to go on.'
    return ownModelsOf(this.recipe).some((role) => !this.models[role])
      ? 'This run is with a model of your own: choose its folder again, under Models, to go on.'
      : ''
  }

  /** What a run is given beside its recipe. */
  get sources(): RunSources {
    const { given, models } = this
    const { policy, clip } = models
    return {
      site: this.#site,
      ...(given ? { datasets: { [OWN_PICTURES]: given.spec } } : {}),
      models: {
        ...(policy ? { [OWN_MODELS.policy]: policy } : {}),
        ...(clip ? { [OWN_MODELS.clip]: clip } : {}),
      },
    }
  }

  /** Shows what an address says: its recipe with the run there is of it, which goes on if it was broken off; else the demo. */
  async open(fragment: string): Promise<void> {
    await this.#try(async () => {
      this.storage = await storageState()
      const linked = await recipeOfFragment(fragment)
      if (!linked) return await this.#take(await builtInRecipe('demo'), 'demo')
      const id = await this.runner.idOf(linked.recipe)
      await this.#take(linked.recipe as Json, await this.#nameOf(id))
      let stored = await this.runner.open(id)
      for (let i = 0; i < RELEASE_TRIES && stored?.isOpen; i++) {
        await new Promise((resolve) => setTimeout(resolve, RELEASE_MS))
        stored = await this.runner.open(id)
      }
      if (!stored) return
      const wasBrokenOff = await this.#showRun(id)
      if (wasBrokenOff && !this.missing) void this.start()
    })
  }

  /** Takes a recipe that comes with the page, on the pictures and with the models that the visitor has given. */
  async choose(name: string): Promise<void> {
    await this.#try(async () => {
      const recipe = await builtInRecipe(name)
      this.#recipesPictures = recipe
      const defaults = this.given ? onOwnPictures(recipe, OWN_LIMIT) : recipe
      const chosen = withChosenModels(defaults, this.recipe, Object.keys(this.models))
      await this.#take(chosen, name, defaults)
    })
  }

  /** Takes pictures of the visitor's, or none any more; all else of the recipe stays. */
  async give(given: GivenPictures | undefined): Promise<void> {
    this.given = given
    this.#tell()
    const { recipe, defaults, chosen } = this
    if (!recipe || !defaults || needsOwnPictures(recipe) === (given !== undefined)) return
    await this.#try(async () => {
      if (given) {
        this.#recipesPictures = recipe
        await this.#take(onOwnPictures(recipe, OWN_LIMIT), chosen, onOwnPictures(defaults, OWN_LIMIT))
        return
      }
      const other = this.#recipesPictures ?? (await builtInRecipe(chosen || 'demo'))
      const back = (draft: Json): Json => withValuesOf(draft, other, ['name', 'dataset'])
      await this.#take(back(recipe), chosen, back(defaults))
    })
  }

  /** Goes back to the models that come with the page. */
  async usePagesModels(): Promise<void> {
    const { recipe } = this
    if (!recipe || this.controller.isBusy) return
    await this.#try(async () => {
      const other = await builtInRecipe(this.chosen || 'demo')
      const paths = chosenModelsOf(recipe).flatMap(({ role }) => MODEL_PATHS[role])
      await this.change(withValuesOf(recipe, other, paths))
    })
  }

  /** Takes another model for a role: one at an address, or a folder that was given. */
  async useModel(role: ModelRole, model: string | FolderSpec): Promise<void> {
    if (!this.recipe || this.controller.isBusy) return
    if (typeof model !== 'string') this.models = { ...this.models, [role]: model }
    await this.change(onModel(this.recipe, role, typeof model === 'string' ? model : OWN_MODELS[role]))
  }

  /** Takes settings. */
  async change(recipe: Json): Promise<void> {
    this.recipe = recipe
    this.#tell()
    await this.#putInAddress()
  }

  /** Starts or goes on with a run of the recipe; on a click, since some browsers ask whether they may keep what is stored. */
  async start(): Promise<void> {
    const { recipe } = this
    if (!recipe || this.missing) return
    clearTimeout(this.#watch)
    this.problem = undefined
    this.#shown = JSON.stringify(recipe)
    const asked = askPersistence().catch(() => false)
    await this.#putInAddress()
    const isDone = await this.controller.start(recipe, this.sources)
    await asked
    this.storage = await storageState()
    this.dispatchEvent(new CustomEvent('ended', { detail: isDone }))
    this.#tell()
  }

  /** Measures an adapter on the way of the run that is shown: a run of its own, which takes all the rest from that one. */
  async evaluateEarlier(after: OnTheWay): Promise<void> {
    if (this.#shown === undefined || this.controller.isBusy) return
    const shown = JSON.parse(this.#shown) as Json
    await this.#take(withAdapter(shown, after), '')
    await this.start()
  }

  /** Shows a run that lies in the store, with its recipe. */
  async show(id: string): Promise<void> {
    await this.#try(async () => {
      const stored = await this.runner.open(id)
      if (!stored) return
      await this.#take(stored.record.recipe as Json, await this.#nameOf(id))
      await this.#showRun(id)
      await this.#putInAddress()
    })
  }

  /** Shows no run any more, if it is this one. */
  forget(id: string): void {
    if (this.controller.state.id !== id) return
    this.#shown = undefined
    this.controller.clear()
  }

  async #showRun(id: string): Promise<boolean> {
    clearTimeout(this.#watch)
    this.#shown = JSON.stringify(this.recipe)
    const wasBrokenOff = await this.controller.show(id)
    if (this.controller.state.status === 'elsewhere')
      this.#watch = setTimeout(() => void this.#try(async () => void (await this.#showRun(id))), ELSEWHERE_MS)
    return wasBrokenOff
  }

  /** The recipe that comes with the page and makes the run of an id; which it is only decides what is shown as chosen. */
  async #nameOf(id: string): Promise<string> {
    return await builtInNameOf(id, async (recipe) => await this.runner.idOf(recipe))
  }

  async #take(recipe: Json, chosen: string, defaults = recipe): Promise<void> {
    if (this.controller.isBusy) return
    clearTimeout(this.#watch)
    this.recipe = recipe
    this.defaults = defaults
    this.chosen = chosen
    this.#shown = undefined
    this.controller.clear()
    this.#tell()
  }

  /** An address of this page that carries the recipe. */
  async link(): Promise<string> {
    return new URL(await recipeFragment(this.recipe), this.#site).href
  }

  async #putInAddress(): Promise<void> {
    history.replaceState(null, '', await recipeFragment(this.recipe))
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      this.problem = undefined
      await work()
    } catch (error) {
      this.problem = plainProblem(error)
    }
    this.#tell()
  }

  #tell(): void {
    this.dispatchEvent(new Event('change'))
  }
}
