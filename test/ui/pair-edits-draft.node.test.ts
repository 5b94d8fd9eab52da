import { expect, test } from 'vitest'
import { editOf, editsOf, standingOf, withEdit, withoutEdit } from '../../src/ui/pair-edits-draft.ts'

const pair = {
  imageHash: 'a'.repeat(64),
  prompt: 'What is it?',
  chosen: 'A dog.',
  rejected: 'A cat.',
  rule: 'best-worst',
}
const flippedPair = { ...pair, chosen: 'A cat.', rejected: 'A dog.', rule: 'by hand' }

test('an edit goes into the recipe once, and the last one out leaves no list', () => {
  const recipe = { name: 'x', pair: { minGap: 1 } }
  const strike = editOf('strike', pair, 1)
  const edited = withEdit(withEdit(recipe, strike), strike)
  expect(edited).toEqual({ name: 'x', pair: { minGap: 1, edits: [strike] } })
  const { context: _, ...reordered } = {
    context: undefined,
    ...Object.fromEntries(Object.entries(strike).reverse()),
  }
  expect(withoutEdit(edited, reordered as typeof strike)).toEqual(recipe)
  expect(editsOf({ pair: { edits: 'none' } })).toEqual([])
})

test('a later round is written down, the first is not', () => {
  expect(editOf('flip', pair, 1)).not.toHaveProperty('round')
  expect(editOf('flip', { ...pair, context: '' }, 2)).toMatchObject({ round: 2, context: '' })
})

test('a pair knows how it stands: before a run with the edit, and after', () => {
  const flip = withEdit({}, editOf('flip', pair, 1))
  expect(standingOf(flip, pair, 1)?.is).toBe('flipped')
  expect(standingOf(flip, flippedPair, 1)?.is).toBe('was flipped')
  expect(standingOf(flip, pair, 2)).toBeUndefined()
  const add = withEdit({}, editOf('add', pair, 1))
  expect(standingOf(add, { ...pair, rule: 'by hand' }, 1)?.is).toBe('was added')
  expect(standingOf(add, pair, 1)).toBeUndefined()
  expect(standingOf(withEdit({}, editOf('strike', pair, 1)), pair, 1)?.is).toBe('struck')
  expect(standingOf({}, flippedPair, 1)).toBeUndefined()
})
