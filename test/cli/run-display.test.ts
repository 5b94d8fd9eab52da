import { expect, test } from 'vitest'
import { ProgressLine } from '../../src/cli/progress.ts'
import { RunDisplay } from '../../src/cli/run-display.ts'

test('a stage tells how far it is, or, where nothing is counted, what it waits for', () => {
  const texts: string[] = []
  const display = new RunDisplay(new ProgressLine({ write: (text) => texts.push(text) }))
  const place = { stage: 'train', round: 1 } as const
  display.show({ kind: 'progress', ...place, done: 0, total: 0, unit: '', detail: 'waiting for it' })
  display.show({ kind: 'progress', ...place, done: 2, total: 4, unit: 'steps', detail: 'loss 0.5' })
  display.show({ kind: 'stage', ...place, state: 'done', hash: 'h', seconds: 61 })
  display.show({ kind: 'loading', what: 'llava', done: 0, total: 0, plannedBytes: 5 * 2 ** 20 - 1 })
  expect(texts.pop()).toBe('llava takes at least 5 MiB of GPU memory\n')
  expect(texts).toEqual([
    'train: waiting for it\n',
    'train: [##########..........] 2/4 steps, loss 0.5\n',
    'train: done in 1 min 1 s\n',
  ])
})
