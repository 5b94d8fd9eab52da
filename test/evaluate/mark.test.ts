import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markNouns } from '../../src/evaluate/mark.ts'

test('nouns are marked where they stand, plurals too, and the pieces are the caption', () => {
  const caption = 'Two dogs and a cat beside a catfish. The knives are new.'
  const pieces = markNouns(caption, [
    { noun: 'dog', verdict: 'grounded' },
    { noun: 'cat', verdict: 'hallucinated' },
    { noun: 'knife', verdict: 'safe' },
  ])
  expect(pieces.map(({ text }) => text).join('')).toBe(caption)
  expect(pieces.filter(({ verdict }) => verdict)).toEqual([
    { text: 'dogs', verdict: 'grounded' },
    { text: 'cat', verdict: 'hallucinated' },
    { text: 'knives', verdict: 'safe' },
  ])
})

test('a repeated noun is marked in each place; one that is not there is passed over', () => {
  const pieces = markNouns('A bus, a tree and a bus.', [
    { noun: 'bus', verdict: 'grounded' },
    { noun: 'sheep', verdict: 'hallucinated' },
    { noun: 'bus', verdict: 'grounded' },
  ])
  expect(pieces.filter(({ verdict }) => verdict).map(({ text }) => text)).toEqual(['bus', 'bus'])
})

test('the pieces are always the caption', () => {
  const nouns = fc.array(
    fc.record({
      noun: fc.string({ minLength: 1 }),
      verdict: fc.constantFrom('safe', 'grounded', 'hallucinated'),
    }),
  )
  fc.assert(
    fc.property(fc.string(), nouns, (caption, judged) => {
      expect(
        markNouns(caption, judged as never)
          .map(({ text }) => text)
          .join(''),
      ).toBe(caption)
    }),
  )
})
