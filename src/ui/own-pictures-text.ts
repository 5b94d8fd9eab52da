import {
  isOwnPictures,
  type LookedThrough,
  missingPictures,
  needsOwnPictures,
  type OwnPictures,
} from './own-pictures.ts'
import { valueAt } from './recipe-draft.ts'
import { formatCount } from './views/format.ts'

/** What becomes of the pictures that were given, a sentence each; none where the recipe is on others. */
export function picturesTexts(recipe: unknown, own: OwnPictures): string[] {
  const { train, measure } = own
  if (!train || !needsOwnPictures(recipe) || missingPictures(recipe, own)) return []
  return [trainedText(recipe, train), keptText(train, measure), meaningText(recipe, measure ?? train)]
}

function trainedText(recipe: unknown, { description: { images, heldOut, isWhole } }: LookedThrough): string {
  const isSplit = valueAt(recipe, 'dataset.share') !== undefined
  const limit = valueAt(recipe, 'dataset.limit')
  const rest = isSplit ? images - heldOut : images
  const found = `${isWhole ? '' : 'more than '}${formatCount(images)} pictures`
  if (typeof limit !== 'number' || (isWhole && rest <= limit))
    return `Found ${found}; ${isSplit ? 'all that are not kept back' : 'all'} are trained on.`
  return `Found ${found}; only the first ${formatCount(limit)} are trained on, unless you set more under Pictures, Settings.`
}

function keptText({ description }: LookedThrough, measure: LookedThrough | undefined): string {
  if (measure) return `Not trained on, but measured on: ${measure.label}.`
  const { heldOut, heldOutFrom, isWhole } = description
  if (heldOutFrom === undefined) return 'A single picture cannot be divided, so none is kept back.'
  return `${isWhole ? formatCount(heldOut) : 'A fifth'} of them ${isWhole && heldOut === 1 ? 'is' : 'are'} kept back and not trained on.`
}

function meaningText(recipe: unknown, { description: { withTruth, images } }: LookedThrough): string {
  const isMeasuredOn = isOwnPictures(valueAt(recipe, 'evaluate.dataset.source'))
  const isShown = isOwnPictures(valueAt(recipe, 'evaluate.shown.source'))
  if (!isMeasuredOn && !isShown) return 'The figures are of emoji scenes that come with the page.'
  if (isMeasuredOn && withTruth > 0) {
    const [known, those] =
      withTruth < images ? ['some of these show', 'those of them'] : ['these show', 'your own pictures']
    return `It is known what ${known}: the figures are of ${those}.`
  }
  const sideBySide = 'you see what is said of them before and after, side by side'
  if (isMeasuredOn)
    return `It is not known what these show, so nothing can be counted as invented: ${sideBySide}.`
  return `It is not known what these show: ${sideBySide}, and the figures are of emoji scenes that come with the page.`
}
