import { LitElement, type PropertyDeclarations } from 'lit'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import type { Json } from './recipe-draft.ts'
import type { Thumbnails } from './thumbnails.ts'

/**
 * What shows a round's pairs and lets them be edited by hand. A `recipe` event (`CustomEvent<Json>`) carries the recipe with an
 * edit; nothing is run.
 */
export abstract class PairElement extends LitElement {
  static override properties: PropertyDeclarations = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    run: {},
    round: { type: Number },
    datasetHash: {},
    news: {},
    recipe: { attribute: false },
    locked: { type: Boolean },
  }
  declare runner: Pick<RunnerApi, 'pairs' | 'pictures' | 'texts'> | undefined
  declare thumbnails: Thumbnails | undefined
  declare run: string | undefined
  declare round: number
  /** Hash of the output with the pictures. */
  declare datasetHash: string
  /** Changes when there is something new to read. */
  declare news: string
  declare recipe: Json
  /** While a run is under way. */
  declare locked: boolean

  constructor() {
    super()
    this.datasetHash = ''
    this.recipe = {}
  }

  protected readonly tell = (recipe: Json): void => {
    this.dispatchEvent(new CustomEvent('recipe', { detail: recipe, bubbles: true, composed: true }))
  }
}
