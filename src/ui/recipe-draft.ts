import { modelName } from '../pipeline/cached-models.ts'
import type { OnTheWay } from '../pipeline/evaluated-adapter.ts'

/** JSON that can be reached into. */
export type Json = Readonly<Record<string, unknown>>

/** A value inside a document by its path, such as `pair.minGap`; undefined where there is none. */
export function valueAt(json: unknown, path: string): unknown {
  let value: unknown = json
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Json)[key]
  }
  return value
}

/** A document with another value at a path; undefined takes it away, and changes nothing where there is none. */
export function withValueAt(json: unknown, path: string, value: unknown): Json {
  const [key = '', ...rest] = path.split('.')
  const own: Json = typeof json === 'object' && json !== null ? (json as Json) : {}
  if (value === undefined && valueAt(own, path) === undefined) return own
  if (rest.length > 0) return { ...own, [key]: withValueAt(own[key], rest.join('.'), value) }
  const { [key]: _, ...others } = own
  return value === undefined ? others : { ...own, [key]: value }
}

/** A recipe with its stages' settings from another, where these have them. @param paths of single settings. */
export function withValuesOf(json: unknown, other: unknown, paths: readonly string[]): Json {
  return paths.reduce<Json>((draft, path) => withValueAt(draft, path, valueAt(other, path)), json as Json)
}

/** The name of pictures the visitor gives, in recipes. */
export const OWN_PICTURES = 'my pictures'

/**
 * A recipe on the visitor's pictures: captions, pairs and training on those; the comparison stays on the recipe's own held-out
 * pictures, of which the truth is known.
 */
export function onOwnPictures(recipe: Json, count: number): Json {
  return {
    ...recipe,
    name: `${String(recipe.name)}, my pictures`,
    dataset: { source: OWN_PICTURES, limit: count },
  }
}

/** A recipe that evaluates the adapter as it was on the way, under a name that says so. */
export function withAdapter(recipe: Json, after: OnTheWay): Json {
  const name = String(recipe.name).replace(/, after step \d+( of round \d+)?$/, '')
  return withValueAt({ ...recipe, name: `${name}, ${placeText(after)}` }, 'evaluate.adapter', after)
}

/** A place on the way for people, such as `after step 8`. */
export function placeText({ round, step }: OnTheWay): string {
  return `after step ${step}${round > 1 ? ` of round ${round}` : ''}`
}

/** Whether a recipe needs pictures that only the visitor can give. */
export function needsOwnPictures(recipe: unknown): boolean {
  return valueAt(recipe, 'dataset.source') === OWN_PICTURES
}

/** The names of models the visitor gives as folders, in recipes. */
export const OWN_MODELS = { policy: 'my model', clip: 'my CLIP' } as const

/** What of a recipe depends on which model plays a role. */
export const MODEL_PATHS = {
  policy: ['policy', 'train.peft.target_modules'],
  clip: ['clip'],
} as const satisfies Record<keyof typeof OWN_MODELS, readonly string[]>

/**
 * A recipe with another model. Its hash goes, and so do the names of the layers to train, which are another's: all linear ones
 * of the language model are trained.
 */
export function onModel(recipe: Json, role: keyof typeof OWN_MODELS, source: string): Json {
  const { sha256: _, ...model } = (valueAt(recipe, role) ?? {}) as Json
  const next = { ...recipe, [role]: { ...model, source } }
  return role === 'clip' ? next : withValueAt(next, 'train.peft.target_modules', 'all-linear')
}

/**
 * A recipe with the models of another that the visitor has chosen: those that do not come with the page.
 * @param given the roles of which there is a folder; one that is not there is not kept.
 */
export function withChosenModels(recipe: Json, other: unknown, given: readonly string[]): Json {
  return chosenModelsOf(other)
    .filter(({ role, source }) => source !== OWN_MODELS[role] || given.includes(role))
    .reduce((draft, { role, source }) => onModel(draft, role, source), recipe)
}

/** The models of a recipe that do not come with the page, by role. */
export function chosenModelsOf(
  recipe: unknown,
): { readonly role: keyof typeof OWN_MODELS; readonly source: string }[] {
  return (Object.keys(OWN_MODELS) as (keyof typeof OWN_MODELS)[]).flatMap((role) => {
    const source = valueAt(recipe, `${role}.source`)
    return typeof source === 'string' && !source.startsWith('embedded:') ? [{ role, source }] : []
  })
}

/** The roles whose model only the visitor can give. */
export function ownModelsOf(recipe: unknown): (keyof typeof OWN_MODELS)[] {
  const roles = Object.keys(OWN_MODELS) as (keyof typeof OWN_MODELS)[]
  return roles.filter((role) => valueAt(recipe, `${role}.source`) === OWN_MODELS[role])
}

/** A model's source in a recipe, for people. */
export function sourceName(source: string): string {
  const [, embedded] = /^embedded:(.+)$/.exec(source) ?? []
  if (embedded !== undefined) return `${embedded}, which comes with the page`
  if (Object.values(OWN_MODELS).some((name) => name === source)) return 'a folder on this computer'
  return /^https?:/.test(source) ? modelName(source) : source
}
