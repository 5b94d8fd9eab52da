import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { PicturesDescription } from '../../src/pipeline/inspect-pictures.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import {
  type LookedThrough,
  missingPictures,
  needsOwnPictures,
  OWN_PICTURES,
  onOwnPictures,
} from '../../src/ui/own-pictures.ts'
import { picturesTexts } from '../../src/ui/own-pictures-text.ts'
import { type Json, onModel } from '../../src/ui/recipe-draft.ts'

const demo = JSON.parse(readFileSync('recipes/demo.json', 'utf8')) as Json
const real = onModel(demo, { role: 'policy', source: 'org/name' })

function looked(description: Partial<PicturesDescription> = {}, sha = 'a'): LookedThrough {
  return {
    spec: { folder: { name: 'mine', files: {} } },
    label: 'mine, 41 files',
    description: {
      sha256: sha.repeat(64),
      images: 40,
      isWhole: true,
      withTruth: 0,
      heldOutFrom: 0.75,
      heldOut: 8,
      ...description,
    },
  }
}
const OWN = { source: OWN_PICTURES.train, sha256: 'a'.repeat(64) }
const on = (recipe: Json, train: LookedThrough, measure?: LookedThrough): Json =>
  onOwnPictures(recipe, recipe, measure ? { train, measure } : { train })

describe('a recipe on own pictures', () => {
  test('measures those kept back where it is known what they show, and nothing else', () => {
    const { name, dataset, evaluate } = parseRecipe(on(demo, looked({ withTruth: 40 })))
    expect(name).toBe('demo, my pictures')
    expect(dataset).toMatchObject({ ...OWN, share: [0, 0.75], limit: 256 })
    expect(evaluate.dataset).toMatchObject({ ...OWN, share: [0.75, 1], limit: 200 })
    expect(evaluate.zero_shot).toBeNull()
    expect(evaluate).not.toHaveProperty('shown')
  })

  test('shows them where it is not, and measures what it did', () => {
    const { dataset, evaluate } = parseRecipe(on(demo, looked()))
    expect(dataset).toMatchObject({ ...OWN, share: [0, 0.75] })
    const { shown, ...rest } = evaluate
    expect(shown).toMatchObject({ ...OWN, share: [0.75, 1], limit: 24 })
    expect(rest).toEqual(parseRecipe(demo).evaluate)
  })

  test('gives no figures of emoji scenes to a model that was not made for them', () => {
    const { evaluate } = parseRecipe(on(real, looked()))
    expect(evaluate.dataset).toMatchObject({ ...OWN, share: [0.75, 1] })
    expect([evaluate.zero_shot, evaluate.shown]).toEqual([null, undefined])
  })

  test('trains on all where others are given to be measured on', () => {
    const { dataset, evaluate } = parseRecipe(on(demo, looked(), looked({ withTruth: 9 }, 'b')))
    expect(dataset).not.toHaveProperty('share')
    expect(evaluate.dataset).toMatchObject({ source: OWN_PICTURES.measure, sha256: 'b'.repeat(64) })
    expect(evaluate.dataset).not.toHaveProperty('share')
  })

  test('is the recipe’s own again without them, and with a single one keeps none back', () => {
    expect(onOwnPictures(on(demo, looked()), demo, {})).toEqual(demo)
    const { heldOutFrom: _, ...one } = looked({ images: 1, heldOut: 0 }).description
    const single = on(demo, { ...looked(), description: one })
    expect(parseRecipe(single).evaluate).toEqual(parseRecipe(demo).evaluate)
    expect(parseRecipe(single).dataset).not.toHaveProperty('share')
  })

  test('asks for the very same again', () => {
    const recipe = on(demo, looked(), looked({}, 'b'))
    expect([needsOwnPictures(recipe), needsOwnPictures(demo)]).toEqual([true, false])
    expect(missingPictures(demo, {})).toBe('')
    expect(missingPictures(recipe, { train: looked(), measure: looked({}, 'b') })).toBe('')
    expect(missingPictures(recipe, {})).toMatch(/^This run is on pictures of your own: choose the same ones/)
    expect(missingPictures(recipe, { train: looked({}, 'c') })).toMatch(
      /on other pictures of your own than those you gave/,
    )
    expect(missingPictures(recipe, { train: looked() })).toMatch(/pictures of your own to measure on: choose/)
  })
})

describe('what is said of own pictures', () => {
  const said = (recipe: Json, train: LookedThrough, measure?: LookedThrough): string =>
    picturesTexts(on(recipe, train, measure), measure ? { train, measure } : { train }).join(' ')

  test('is how many are used, how many are kept back, and what the figures are of', () => {
    expect(said(demo, looked({ withTruth: 40 }))).toBe(
      'Found 40 pictures; all that are not kept back are trained on. 8 of them are kept back and not trained on. ' +
        'It is known what these show: the figures are of your own pictures.',
    )
    expect(said(demo, looked())).toMatch(
      /side by side, and the figures are of emoji scenes that come with the page\.$/,
    )
    expect(said(real, looked())).toMatch(/nothing can be counted as invented: you see what is said/)
    expect(said(demo, looked(), looked({ withTruth: 40 }, 'b'))).toMatch(
      /; all are trained on\. Not trained on, but measured on: mine, 41 files\. It is known what these show/,
    )
    expect(said(demo, looked({ withTruth: 3 }))).toMatch(
      /It is known what some of these show: the figures are of those of them\.$/,
    )
    expect(picturesTexts(demo, {})).toEqual([])
  })

  test('is that not all are used, where they are more than the settings take', () => {
    const many = looked({ images: 1000, heldOut: 200 })
    expect(said(demo, many)).toMatch(
      /^Found 1,000 pictures; only the first 256 are trained on, unless you set more under Pictures, Settings\. 200 of them/,
    )
    expect(said(demo, looked({ images: 1000, isWhole: false, heldOut: 190 }))).toMatch(
      /^Found more than 1,000 pictures; only the first 256 .* A fifth of them are kept back/,
    )
  })
})
