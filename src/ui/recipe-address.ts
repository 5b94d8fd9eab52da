import { recipeFragment } from './recipe-link.ts'

/** Browsers allow few changes of an address: Safari a hundred in half a minute, Chrome leaves out what comes faster. */
const DELAY_MS = 500
/** When a change that was refused is tried again. */
const AGAIN_MS = 10_000

/** Keeps a recipe in the page's address: the latest, a moment after the last change. */
export class RecipeAddress {
  readonly #replace: (fragment: string) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Counts what was wanted, so that what takes long to pack does not come after what is newer. */
  #wanted = 0

  /** @param replace puts a fragment into the address; default this page's. */
  constructor(replace = (fragment: string) => history.replaceState(null, '', fragment)) {
    this.#replace = replace
  }

  /** Puts a recipe there once no other has come for half a second. */
  put(recipe: unknown): void {
    this.drop()
    this.#timer = setTimeout(() => void this.#write(recipe), DELAY_MS)
  }

  /** Puts a recipe there at once. */
  async putNow(recipe: unknown): Promise<void> {
    this.drop()
    await this.#write(recipe)
  }

  /** Leaves the address as it is, whatever was to be put there. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#wanted++
  }

  async #write(recipe: unknown): Promise<void> {
    const own = this.#wanted
    const fragment = await recipeFragment(recipe)
    if (own !== this.#wanted) return
    try {
      this.#replace(fragment)
    } catch {
      this.#timer = setTimeout(() => void this.#write(recipe), AGAIN_MS)
    }
  }
}
