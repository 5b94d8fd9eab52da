import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MarkedText } from '../../src/evaluate/mark.ts'
import { segmentsOf } from '../../src/ui/token-segments.ts'

test('pieces are cut where tokens end', () => {
  const marked: MarkedText[] = [{ text: 'A ' }, { text: 'spoon', verdict: 'hallucinated' }, { text: '.' }]
  const tokens = ['A', ' sp', 'oon.', ''].map((text) => ({ text }))
  expect(segmentsOf(marked, tokens)).toEqual([
    {
      segments: [
        { text: 'A', token: 0 },
        { text: ' ', token: 1 },
      ],
    },
    {
      verdict: 'hallucinated',
      segments: [
        { text: 'sp', token: 1 },
        { text: 'oon', token: 2 },
      ],
    },
    { segments: [{ text: '.', token: 2 }] },
  ])
})

test('nothing is lost, and every token has its own text, however the two are cut', () => {
  const texts = fc.array(fc.string({ maxLength: 4 }), { maxLength: 12 })
  fc.assert(
    fc.property(texts, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (tokens, lengths) => {
      const whole = tokens.join('')
      const marked: MarkedText[] = []
      for (let at = 0; at < whole.length; ) {
        const text = whole.slice(at, at + (lengths.next().value as number))
        marked.push({ text })
        at += text.length
      }
      const segments = segmentsOf(
        marked,
        tokens.map((text) => ({ text })),
      ).flatMap((piece) => piece.segments)
      expect(segments.map(({ text }) => text).join('')).toBe(whole)
      tokens.forEach((text, i) => {
        expect(segments.flatMap((segment) => (segment.token === i ? segment.text : [])).join('')).toBe(text)
      })
    }),
  )
})
