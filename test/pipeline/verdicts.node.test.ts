import { expect, test } from 'vitest'
import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
import { changeOf } from '../../src/pipeline/examples.ts'
import { fewNotes, verdicts } from '../../src/pipeline/verdicts.ts'

const at = (value: number, low = value, high = value): Estimate => ({ value, low, high })
const table = (hal: Estimate): MetricTable => ({
  chair: at(10),
  cover: at(80),
  hal,
  cog: at(0),
  meanLength: at(20),
  nounsPerCaption: at(4),
})
const controls = { verdict: { message: 'M', beatsC: true, beatsL: true, helps: true } } as never

test('a change whose interval excludes zero is called one, others are not', () => {
  const fall = verdicts(
    { before: table(at(40)), after: table(at(20)), delta: table(at(-20, -25, -15)) },
    controls,
  )
  expect(fall[0]).toBe(
    'Captions that invent something: 40.0% before, 20.0% after, 50% less: more than chance explains.',
  )
  const none = verdicts(
    { before: table(at(40)), after: table(at(38)), delta: table(at(-2, -6, 2)) },
    controls,
  )
  expect(none[0]).toMatch(/38\.0% after, 5% less: no more than chance explains\.$/)
  expect(none).not.toContain('M')
  expect(none).toContain('No gain is shown, so there is none that shorter captions could explain.')
})

test('a gain is held against shortening, and a change that rounds to nothing is not told', () => {
  const delta = { ...table(at(-20, -25, -15)), cover: at(-0.01, -0.04, 0.03), cleanLoss: at(-0.01) }
  const lines = verdicts({ before: table(at(40)), after: table(at(20)), delta }, controls)
  expect(lines).toContain('M')
  expect(lines[3]).toMatch(/: 80\.0% before, 80\.0% after: no more than chance explains\.$/)
  expect(lines.at(-1)).toBe('Loss on true captions: 0.0%.')
})

test('figures of few pictures are called so', () => {
  expect(fewNotes(8)).toEqual([expect.stringMatching(/^Only 8 pictures were evaluated: too few/)])
  expect(fewNotes(100)).toEqual([])
})

test('what was not measured is not spoken of', () => {
  const lines = verdicts({ before: table(at(1)), after: table(at(1)), delta: table(at(0)) }, controls).join(
    ' ',
  )
  expect(lines).not.toMatch(/Yes\/no|Single objects|NaN/)
})

test('a caption is fixed, broken, both or clean', () => {
  const lie = [{ text: 'cat', verdict: 'hallucinated' as const }]
  const truth = [{ text: 'dog', verdict: 'grounded' as const }, { text: ' runs' }]
  expect(changeOf({ before: lie, after: truth })).toBe('fixed')
  expect(changeOf({ before: truth, after: lie })).toBe('broken')
  expect(changeOf({ before: lie, after: lie })).toBe('both')
  expect(changeOf({ before: truth, after: truth })).toBe('clean')
})
