import { expect, test } from 'vitest'
import { formatEvaluation, formatResult } from '../../src/cli/run-report.ts'
import { judged } from '../support/evaluation.ts'
import { exampleRunView } from '../support/run-view.ts'

test('the funnel tells what was edited by hand, and which edits found nothing', () => {
  const { summary } = exampleRunView()
  const step = {
    rule: 'by hand',
    unit: 'pairs',
    came: 9,
    removed: 2,
    changed: 1,
    added: 3,
    remained: 10,
    examples: [],
  } as const
  const edit = {
    edit: 'strike',
    imageHash: 'a'.repeat(64),
    prompt: 'What is it?',
    chosen: 'A dog.',
    rejected: 'A cat.',
  } as const
  const funnel = [{ round: 1, steps: [step], unmatchedEdits: [{ edit, why: 'there is no such pair' }] }]
  const text = formatResult({ summary: { ...summary, funnel }, examples: [] }, 'out')
  expect(text).toMatch(/by hand +9 pairs, +2 removed, 1 flipped, 3 added, 10 left/)
  expect(text).toContain(
    'pair.edits: to strike “A dog.” over “A cat.” (“What is it?”, picture aaaaaaaaaaaa…) changed nothing: there is no such pair',
  )
})

test('an evaluation tells the figures that there are, of two models or of one', () => {
  const { summary } = exampleRunView()
  const { before, after, delta } = judged(summary)
  const estimate = { value: 80, low: 70, high: 90 }
  const zeroShot = { images: 9, classes: ['dog'], before: estimate, ceiling: estimate }
  const { zeroShot: _, ...only } = before
  const alone = {
    evaluation: { images: 9, before: only },
    zeroShot,
    objects: { before: [] },
    caveats: [],
  }
  const text = formatEvaluation(alone, 'out')
  expect(text).toMatch(/zero-shot top-1 +80\.0 +\[70\.0, 90\.0\]/)
  expect(text).toMatch(/CHAIR +14\.2/)
  expect(text).not.toContain('control C')

  const { zeroShot: __, cleanLoss: ___, meanLength, ...rest } = before
  expect(rest.chair).toBeDefined()
  const asked = { meanLength, ...(before.yesNo ? { yesNo: before.yesNo } : {}) }
  const evaluation = { images: 9, before: asked, after: asked, delta: asked }
  const objects = { before: [], after: [] }
  const both = formatEvaluation({ evaluation, objects, coOccurrences: [], caveats: ['no NLTK'] }, 'out')
  expect(both).toMatch(/yes\/no accuracy[\s\S]*no NLTK/)
  expect(both).not.toMatch(/CHAIR|control|zero-shot/)
  const full = {
    images: 9,
    before,
    after,
    delta,
    ...(summary.controls ? { controls: summary.controls } : {}),
  }
  expect(formatEvaluation({ evaluation: full, objects, coOccurrences: [], caveats: [] }, 'out')).toMatch(
    /CHAIR[\s\S]*control C/,
  )
})
