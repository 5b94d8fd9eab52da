import { modelName } from '../pipeline/cached-models.ts'
import type { OnTheWay } from '../pipeline/evaluated-adapter.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'

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

/** A recipe that evaluates the adapter as it was on the way, under a name that says so. */
export function withAdapter(recipe: Json, after: OnTheWay): Json {
  const name = String(recipe.name).replace(/, after step \d+( of round \d+)?$/, '')
  return withValueAt({ ...recipe, name: `${name}, ${placeText(after)}` }, 'evaluate.adapter', after)
}

/** A place on the way for people, such as `after step 8`. */
export function placeText({ round, step }: OnTheWay): string {
  return `after step ${step}${round > 1 ? ` of round ${round}` : ''}`
}

/** The names of models the visitor gives as folders, in recipes. */
export const OWN_MODELS = { policy: 'my model', clip: 'my CLIP' } as const

/** A model of a recipe that does not come with the page. */
export interface ChosenModel {
  readonly role: ModelRole
  readonly source: string
  /** Of its files, where only these tell which model is meant. */
  readonly sha256?: string
}

/** Settings that belong to the model in a role: what another than the page's own gets in their place, and why, for people. */
const MODEL_SETTINGS = {
  policy: {
    settings: { 'train.peft.target_modules': 'all-linear', 'train.learning_rate': 1e-5 },
    text:
      'Set for it: a learning rate of 0.00001 (models of billions of parameters are trained so at 0.000002 to 0.00001, the ' +
      'page’s own of less than a million takes far more), and an adapter on all linear layers.',
  },
  clip: {
    settings: { 'pair.minGap': 2, 'pair.maxImageText': null },
    text: 'Set for it: the paper’s gap of 2, and no rule against writing in pictures, since every CLIP needs another threshold.',
  },
} as const satisfies Record<ModelRole, { readonly settings: Json; readonly text: string }>

/** What of a recipe depends on which model plays a role. */
export const MODEL_PATHS: Readonly<Record<ModelRole, readonly string[]>> = {
  policy: ['policy', ...Object.keys(MODEL_SETTINGS.policy.settings)],
  clip: ['clip', ...Object.keys(MODEL_SETTINGS.clip.settings)],
}

/** A recipe with another model than the page's own, and the settings that such a one takes. */
export function onModel(recipe: Json, { role, source, sha256 }: ChosenModel): Json {
  const { sha256: _, ...model } = (valueAt(recipe, role) ?? {}) as Json
  const next = { ...recipe, [role]: { ...model, source, ...(sha256 === undefined ? {} : { sha256 }) } }
  return Object.entries(MODEL_SETTINGS[role].settings).reduce<Json>(
    (draft, [path, value]) => withValueAt(draft, path, value),
    next,
  )
}

/**
 * A recipe with the models of another that the visitor has chosen.
 * @param given the roles of which there is a folder; one that is not there is not kept.
 */
export function withChosenModels(recipe: Json, other: unknown, given: readonly string[]): Json {
  return chosenModelsOf(other)
    .filter(({ role, source }) => source !== OWN_MODELS[role] || given.includes(role))
    .reduce(onModel, recipe)
}

/** The models of a recipe that do not come with the page, by role. */
export function chosenModelsOf(recipe: unknown): ChosenModel[] {
  return (Object.keys(OWN_MODELS) as ModelRole[]).flatMap((role) => {
    const { source, sha256 } = (valueAt(recipe, role) ?? {}) as { source?: unknown; sha256?: string }
    if (typeof source !== 'string' || source.startsWith('embedded:')) return []
    return [{ role, source, ...(sha256 === undefined ? {} : { sha256 }) }]
  })
}

/** What is said of the models of a recipe that do not come with the page. */
export function modelTexts(recipe: unknown): string[] {
  return chosenModelsOf(recipe).map(({ role, source }) => {
    const { settings, text } = MODEL_SETTINGS[role]
    const isAsSet = Object.entries(settings).every(([path, value]) => valueAt(recipe, path) === value)
    const own = role === 'policy' ? 'page’s own model' : 'page’s own CLIP'
    return `With ${sourceName(source)} in place of the ${own}.${isAsSet ? ` ${text}` : ''}`
  })
}

/** The models of a recipe that only the visitor can give. */
export function ownModelsOf(recipe: unknown): ChosenModel[] {
  return chosenModelsOf(recipe).filter(({ role, source }) => source === OWN_MODELS[role])
}

/** A model's source in a recipe, for people. */
export function sourceName(source: string): string {
  const [, embedded] = /^embedded:(.+)$/.exec(source) ?? []
  if (embedded !== undefined) return `${embedded}, which comes with the page`
  if (Object.values(OWN_MODELS).some((name) => name === source)) return 'a folder on this computer'
  return /^https?:/.test(source) ? modelName(source) : source
}
