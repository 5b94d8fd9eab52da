import type { PicturesDescription } from '../pipeline/inspect-pictures.ts'
import type { GivenPictures } from './given-pictures.ts'
import { type Json, valueAt, withValueAt, withValuesOf } from './recipe-draft.ts'

/** What pictures are given for. */
export type PictureRole = 'train' | 'measure'

/** The names of pictures the visitor gives, in recipes. */
export const OWN_PICTURES = {
  train: 'my pictures',
  measure: 'my pictures to measure on',
} as const satisfies Record<PictureRole, string>

/** Pictures that were given, after a look through them. */
export interface LookedThrough extends GivenPictures {
  readonly description: PicturesDescription
}

/** All pictures a visitor has given. */
export type OwnPictures = Readonly<Partial<Record<PictureRole, LookedThrough>>>

/** Most pictures that are trained on, measured on and shown, unless the settings say otherwise. */
const TRAINED = 256
const MEASURED = 200
const SHOWN = 24

/** What of a recipe depends on which pictures it is on. */
const PICTURE_PATHS = ['name', 'dataset', 'evaluate.dataset', 'evaluate.zero_shot', 'evaluate.shown'] as const

export function isOwnPictures(source: unknown): boolean {
  return Object.values(OWN_PICTURES).some((name) => name === source)
}

/** Whether a recipe needs pictures that only the visitor can give. */
export function needsOwnPictures(recipe: unknown): boolean {
  return wantedPictures(recipe).length > 0
}

/** The pictures of the visitor's that a recipe is on, and which contents they must have. */
function wantedPictures(recipe: unknown): { readonly role: PictureRole; readonly sha256: unknown }[] {
  return ['dataset', 'evaluate.dataset', 'evaluate.shown'].flatMap((path) => {
    const source = valueAt(recipe, `${path}.source`)
    const role = (Object.keys(OWN_PICTURES) as PictureRole[]).find((one) => OWN_PICTURES[one] === source)
    return role ? [{ role, sha256: valueAt(recipe, `${path}.sha256`) }] : []
  })
}

/** Which of a recipe's pictures are not those that were given, in words; empty where all are. */
export function missingPictures(recipe: unknown, own: OwnPictures): string {
  const missing = wantedPictures(recipe).find(
    ({ role, sha256 }) => own[role] === undefined || own[role].description.sha256 !== sha256,
  )
  if (!missing) return ''
  const which = missing.role === 'train' ? 'pictures of your own' : 'pictures of your own to measure on'
  return own[missing.role]
    ? `This run is on other ${which} than those you gave: choose the same ones again, above, to go on.`
    : `This run is on ${which}: choose the same ones again, above, to go on.`
}

/**
 * A recipe on the visitor's pictures. Some of these are kept back, or others given, to be measured on. Where it is known what those
 * show, the figures are of them; where it is not, they are shown before and after, and the figures stay those of the recipe's own
 * held-out pictures, unless the model is none that has been made for these.
 * @param base where the recipe has its own pictures.
 */
export function onOwnPictures(draft: Json, base: Json, { train, measure }: OwnPictures): Json {
  const recipe = withValuesOf(draft, base, PICTURE_PATHS)
  if (!train) return recipe
  const { sha256, heldOutFrom } = train.description
  const own = { source: OWN_PICTURES.train, sha256 }
  const others = measure && { source: OWN_PICTURES.measure, sha256: measure.description.sha256 }
  const kept =
    others ?? (heldOutFrom === undefined ? undefined : { ...own, share: [heldOutFrom, 1] as const })
  const trained = others || !kept ? own : { ...own, share: [0, heldOutFrom] as const }
  const named = {
    ...recipe,
    name: `${String(recipe.name)}, my pictures`,
    dataset: { ...trained, limit: TRAINED },
  }
  if (!kept) return named
  if (!isMeasured(recipe, { train, measure }))
    return withValueAt(named, 'evaluate.shown', { ...kept, limit: SHOWN })
  const measured = withValueAt(named, 'evaluate.dataset', { ...kept, limit: MEASURED })
  return withValueAt(measured, 'evaluate.zero_shot', null)
}

/** Whether the figures are of the visitor's pictures. */
function isMeasured(
  recipe: Json,
  { train, measure }: { train: LookedThrough; measure: LookedThrough | undefined },
): boolean {
  const isKnown = (measure ?? train).description.withTruth > 0
  return isKnown || !String(valueAt(recipe, 'policy.source')).startsWith('embedded:')
}
