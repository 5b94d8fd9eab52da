import { expect, test } from 'vitest'
import { formatResult } from '../../src/cli/run-report.ts'
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
