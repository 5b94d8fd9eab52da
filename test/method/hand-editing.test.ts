import { describe, expect, test } from 'vitest'
import { Funnel } from '../../src/method/funnel.ts'
import type { PairEdit } from '../../src/method/pair-edits.ts'
import { pairSettingsOfRound, parsePairSettings } from '../../src/method/pair-settings.ts'
import { formPairs } from '../../src/method/pairs.ts'
import { scored } from '../support/candidates.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const PROMPT = 'Describe this image.'
const candidates = [
  scored(28, { text: 'A dog.' }),
  scored(22, { text: 'A cat.', candidate: 1 }),
  scored(20, { text: 'A cow.', candidate: 2 }),
  scored(undefined, { text: 'A long one.', candidate: 3 }),
  scored(30, { text: 'A car.', image: 'b.png', imageHash: B }),
  scored(24, { text: 'A bus.', image: 'b.png', imageHash: B, candidate: 1 }),
]
const edit = (kind: PairEdit['edit'], chosen: string, rejected: string, more: Partial<PairEdit> = {}) => ({
  edit: kind,
  imageHash: A,
  prompt: PROMPT,
  chosen,
  rejected,
  ...more,
})
const form = (edits: readonly object[], json: object = {}) =>
  formPairs(candidates, parsePairSettings({ ...json, edits }))
const shown = (result: ReturnType<typeof form>) =>
  result.pairs.map(({ chosen, rejected, gap, rule }) => `${chosen} > ${rejected} ${gap} ${rule}`)
const byHand = (result: ReturnType<typeof form>) => result.funnel.find(({ rule }) => rule === 'by hand')

test('without edits no rule is counted, and pairs are as the rules make them', () => {
  const result = formPairs(candidates, parsePairSettings({}))
  expect(shown(result)).toEqual(['A dog. > A cow. 8 best-worst', 'A car. > A bus. 6 best-worst'])
  expect(byHand(result)).toBeUndefined()
})

describe('an edit', () => {
  test('strikes a pair out', () => {
    const result = form([edit('strike', 'A dog.', 'A cow.')])
    expect(shown(result)).toEqual(['A car. > A bus. 6 best-worst'])
    expect(byHand(result)).toEqual({
      rule: 'by hand',
      unit: 'pairs',
      came: 2,
      removed: 1,
      changed: 0,
      added: 0,
      remained: 1,
      examples: [{ image: 'a.png', text: 'A dog. || A cow.', why: 'struck out by hand' }],
    })
  })

  test('flips a pair in its place, whose gap is then below zero', () => {
    const result = form([edit('flip', 'A dog.', 'A cow.')])
    expect(shown(result)).toEqual(['A cow. > A dog. -8 by hand', 'A car. > A bus. 6 best-worst'])
    expect(byHand(result)).toMatchObject({ came: 2, removed: 0, changed: 1, added: 0, remained: 2 })
    expect(byHand(result)?.examples).toEqual([
      { image: 'a.png', text: 'A cow. || A dog.', why: 'flipped by hand' },
    ])
  })

  test('adds a pair that the rules would not make', () => {
    const result = form([edit('add', 'A cat.', 'A dog.'), edit('add', 'A cat.', 'A cow.')], { minGap: 7 })
    expect(shown(result)).toEqual([
      'A dog. > A cow. 8 best-worst',
      'A cat. > A dog. -6 by hand',
      'A cat. > A cow. 2 by hand',
    ])
    expect(byHand(result)).toMatchObject({ came: 1, removed: 0, changed: 0, added: 2, remained: 3 })
  })

  test('goes by the context as well, where texts go on from one', () => {
    const context = 'A dog.'
    const sentences = [scored(25, { context, text: 'A ball.' }), scored(20, { context, text: '' })]
    const settings = (more: object) =>
      parsePairSettings({ edits: [edit('strike', 'A ball.', '', { context, ...more })] })
    expect(formPairs(sentences, settings({})).pairs).toEqual([])
    expect(formPairs(sentences, settings({ context: 'A cat.' })).pairs).toHaveLength(1)
  })

  test('comes before a control, which flips what is left', () => {
    const result = form([edit('strike', 'A car.', 'A bus.', { imageHash: B })], { control: 'flipped' })
    expect(shown(result)).toEqual(['A cow. > A dog. -8 flipped'])
  })
})

test('an edit that finds nothing is told with the reason, and the others apply', () => {
  const result = form([
    edit('strike', 'A dog.', 'A cat.'),
    edit('flip', 'A dog.', 'A cow.', { prompt: 'What is it?' }),
    edit('add', 'A dog.', 'A cow.'),
    edit('add', 'A horse.', 'A cow.'),
    edit('add', 'A dog.', 'A horse.'),
    edit('add', 'A dog.', 'A long one.'),
    edit('strike', 'A dog.', 'A cow.', { imageHash: 'c'.repeat(64) }),
    edit('strike', 'A dog.', 'A cow.'),
  ])
  expect(result.unmatchedEdits.map(({ why }) => why)).toEqual([
    'there is no such pair',
    'there is no such pair',
    'there is such a pair already',
    'there is no such chosen text',
    'there is no such rejected text',
    'the rejected text has no score',
    'there is no such picture',
  ])
  expect(shown(result)).toEqual(['A car. > A bus. 6 best-worst'])
})

test('a round has its own edits and no others', () => {
  const { edits: _, ...bare } = parsePairSettings({})
  const first = edit('strike', 'A dog.', 'A cow.')
  const second = edit('flip', 'A dog.', 'A cow.', { round: 2 })
  const settings = parsePairSettings({ edits: [first, second] })
  expect(pairSettingsOfRound(settings, 1).edits).toEqual([first])
  expect(pairSettingsOfRound(settings, 2).edits).toEqual([second])
  expect(pairSettingsOfRound(settings, 3)).toEqual(bare) // so that its hash is that of settings without edits
})

test('funnels with edits add up', () => {
  const [first, second] = [new Funnel(), new Funnel()]
  const example = { image: 'a.png', text: 'x', why: 'y' }
  first.edit('by hand', 'pairs', 3, [{ kind: 'removed', ...example }])
  second.edit('by hand', 'pairs', 2, [
    { kind: 'added', ...example },
    { kind: 'changed', ...example },
  ])
  first.add(second.steps)
  expect(first.steps).toMatchObject([{ came: 5, removed: 1, changed: 1, added: 1, remained: 5 }])
})

test('edits are checked: kind, hash, texts that differ, and no other keys', () => {
  const check = (more: object) => () =>
    parsePairSettings({ edits: [{ ...edit('strike', 'A', 'B'), ...more }] })
  expect(check({})).not.toThrow()
  expect(check({ edit: 'drop' })).toThrow(/edits.0.edit: expected .*strike.*got "drop"/)
  expect(check({ imageHash: 'abc' })).toThrow(/edits.0.imageHash: .*64 hexadecimal digits/)
  expect(check({ rejected: 'A' })).toThrow(/edits.0: .*two different texts/)
  expect(check({ round: 0 })).toThrow(/edits.0.round/)
  expect(check({ pair: 1 })).toThrow(/edits.0.pair: no such setting/)
})
