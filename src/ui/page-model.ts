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
import { builtInNameOf } from './built-in-recipes.ts'
import type { GivenPictures } from './given-pictures.ts'
import type { PictureRole } from './own-pictures.ts'
import { missingSources, type OwnSources, runSources } from './own-sources.ts'
import { pausedRun } from './paused-run.ts'
import { plainProblem } from './problems.ts'
import { RecipeAddress } from './recipe-address.ts'
import { type Json, withAdapter } from './recipe-draft.ts'
import { RecipeInHand } from './recipe-in-hand.ts'
import { recipeOfFragment } from './recipe-link.ts'
import { RunController } from './run-controller.ts'

/** A tab that was reloaded lets its run go a moment later. */
const RELEASE_MS = 300
const RELEASE_TRIES = 10

/**
 * What a page has in hand: a recipe that can be changed, pictures that were given, and the run that is shown. Dispatches `change`.
 */
export class PageModel extends EventTarget {
  readonly runner: RunnerClient
  readonly controller: RunController
  /** Whether something that was given is being looked through. */
  isLooking = false
  storage: StorageState | undefined
  problem: string | undefined
  readonly #hand = new RecipeInHand()
  readonly #site: string
  readonly #address: RecipeAddress
  readonly #canRun: () => Promise<boolean>
  /** Ends once what the address says is shown. */
  #opened = Promise.resolve()
  /** What is wrong with the recipe; empty when nothing is. */
  #fault = ''
  /** The recipe of the run that is shown, as JSON. */
  #shown: string | undefined

  /**
   * @param site address of the page, where what comes with it lies.
   * @param canRun whether this browser can run anything; what was broken off goes on by itself only then.
   */
  constructor(
    runner: RunnerClient,
    site: string,
    { canRun = async () => true, address = new RecipeAddress() } = {},
  ) {
    super()
    this.runner = runner
    this.#site = site
    this.#canRun = canRun
    this.#address = address
    this.controller = new RunController(runner)
    this.controller.addEventListener('change', () => this.#tell())
  }

  /** The recipe as the settings have it, and what *Reset* goes back to. */
  get recipe(): Json | undefined {
    return this.#hand.recipe
  }

  get defaults(): Json | undefined {
    return this.#hand.defaults
  }

  /** Name of the built-in recipe that is chosen; empty for another. */
  get chosen(): string {
    return this.#hand.chosen
  }

  /** Pictures and models that were given. */
  get own(): OwnSources {
    return this.#hand.own
  }

  /** Whether the settings are others than those of the run that is shown. */
  get isChanged(): boolean {
    return this.#shown !== undefined && this.#shown !== JSON.stringify(this.recipe)
  }

  /** What is missing before a run can start; empty when nothing is. */
  get missing(): string {
    return this.#fault || missingSources(this.recipe, this.own)
  }

  /** What a run is given beside its recipe. */
  get sources(): RunSources {
    return runSources(this.#site, this.own)
  }

  /** Shows what an address says: its recipe with the run there is of it, which goes on if it was broken off; else the demo. */
  async open(fragment: string): Promise<void> {
    this.#address.drop()
    this.#opened = this.#try(async () => {
      this.storage = await storageState()
      const linked = await recipeOfFragment(fragment)
      if (!linked) {
        await this.#hand.choose('demo')
        return this.#showNone()
      }
      const id = await this.runner.idOf(linked.recipe)
      this.#hold(linked.recipe as Json, await this.#nameOf(id))
      let stored = await this.runner.open(id)
      for (let i = 0; i < RELEASE_TRIES && stored?.isOpen; i++) {
        await new Promise((resolve) => setTimeout(resolve, RELEASE_MS))
        stored = await this.runner.open(id)
      }
      if (!stored) return
      const wasBrokenOff = await this.#showRun(id)
      if (wasBrokenOff && !pausedRun.is(id) && !this.missing && (await this.#canRun())) void this.start()
    })
    await this.#opened
  }

  /** Takes a recipe that comes with the page, on the pictures and with the models that the visitor has given. */
  async choose(name: string): Promise<void> {
    await this.#try(async () => {
      if (this.controller.isBusy) return
      await this.#hand.choose(name)
      this.#taken()
    })
  }

  /** Takes another recipe, as the visitor has written it, with the run there is of it. @throws {RecipeError} when it is none. */
  async take(recipe: Json): Promise<void> {
    const id = await this.runner.idOf(recipe)
    const name = await this.#nameOf(id)
    if (this.controller.isBusy) return
    this.#hand.take(recipe, name)
    this.#taken()
    if (await this.runner.open(id)) await this.#showRun(id)
  }

  /** Takes pictures of the visitor's, or none any more; all else of the recipe stays. */
  async give(pictures: GivenPictures | undefined, role: PictureRole = 'train'): Promise<void> {
    await this.#opened
    await this.#try(async () => {
      if (this.controller.isBusy) return
      const description = pictures && (await this.#look(() => this.runner.inspectPictures(pictures.spec)))
      const looked = pictures && description && { ...pictures, description }
      if (await this.#hand.givePictures(role, looked)) this.#taken()
    })
  }

  /** Goes back to the models that come with the page. */
  async usePagesModels(): Promise<void> {
    await this.#try(async () => {
      if (!this.controller.isBusy) this.change(await this.#hand.withPagesModels())
    })
  }

  /** Takes another model for a role: one at an address, or a folder that was given. */
  async useModel(role: ModelRole, model: string | FolderSpec): Promise<void> {
    await this.#try(async () => {
      if (this.controller.isBusy) return
      if (typeof model === 'string') return this.change(this.#hand.withModel(role, model))
      const sha256 = await this.#look(() => this.runner.modelHash(model))
      if (sha256 !== undefined) this.change(this.#hand.giveModel(role, model, sha256))
    })
  }

  /** Takes settings. */
  change(recipe: Json | undefined): void {
    if (!recipe) return
    this.#hand.recipe = recipe
    void this.#check(recipe)
    this.#tell()
    this.#address.put(recipe)
  }

  /** Starts or goes on with a run of the recipe; on a click, since some browsers ask whether they may keep what is stored. */
  async start(): Promise<void> {
    const { recipe } = this
    if (!recipe || this.missing || this.isLooking) return
    this.problem = undefined
    pausedRun.forget()
    this.#shown = JSON.stringify(recipe)
    const asked = askPersistence().catch(() => false)
    await this.#address.putNow(recipe)
    const isDone = await this.controller.start(recipe, this.sources)
    await asked
    this.storage = await storageState()
    this.dispatchEvent(new CustomEvent('ended', { detail: isDone }))
    this.#tell()
  }

  /** Holds the run; reloaded, the page does not go on with it by itself. */
  async pause(): Promise<void> {
    pausedRun.note(this.controller.state.id ?? '')
    await this.controller.pause()
  }

  async resume(): Promise<void> {
    pausedRun.forget()
    await this.controller.resume()
  }

  /** Measures an adapter on the way of the run that is shown: a run of its own, which takes all the rest from that one. */
  async evaluateEarlier(after: OnTheWay): Promise<void> {
    if (this.#shown === undefined || this.controller.isBusy) return
    const shown = JSON.parse(this.#shown) as Json
    this.#hold(withAdapter(shown, after), '')
    await this.start()
  }

  /** Shows a run that lies in the store, with its recipe. */
  async show(id: string): Promise<void> {
    await this.#try(async () => {
      const stored = await this.runner.open(id)
      if (!stored) return
      this.#hold(stored.record.recipe as Json, await this.#nameOf(id))
      await this.#showRun(id)
      await this.#address.putNow(this.recipe)
    })
  }

  /** Shows no run any more, if it is this one. */
  forget(id: string): void {
    if (this.controller.state.id !== id) return
    this.#shown = undefined
    this.controller.clear()
  }

  async #showRun(id: string): Promise<boolean> {
    this.#shown = JSON.stringify(this.recipe)
    return await this.controller.show(id)
  }

  /** The recipe that comes with the page and makes the run of an id; which it is only decides what is shown as chosen. */
  async #nameOf(id: string): Promise<string> {
    return await builtInNameOf(id, async (recipe) => await this.runner.idOf(recipe))
  }

  async #look<T>(work: () => Promise<T>): Promise<T> {
    this.isLooking = true
    this.#tell()
    try {
      return await work()
    } finally {
      this.isLooking = false
    }
  }

  #hold(recipe: Json, chosen: string): void {
    if (this.controller.isBusy) return
    this.#hand.take(recipe, chosen)
    this.#showNone()
  }

  /** A recipe was chosen, of which no run is shown yet. */
  #taken(): void {
    this.#showNone()
    this.#address.put(this.recipe)
  }

  /** Says at once what would keep a recipe from being run. */
  async #check(recipe: Json): Promise<void> {
    const fault = await this.runner.idOf(recipe).then(() => '', plainProblem)
    if (recipe !== this.recipe || fault === this.#fault) return
    this.#fault = fault
    this.#tell()
  }

  #showNone(): void {
    if (this.recipe) void this.#check(this.recipe)
    this.#shown = undefined
    this.controller.clear()
    this.#tell()
  }

  /** Says that something went wrong that is none of the run's. */
  tellProblem(text: string): void {
    this.problem = text
    this.#tell()
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
