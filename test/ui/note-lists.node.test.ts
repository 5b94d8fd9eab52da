import { expect, test } from 'vitest'
import type { StoredOutput } from '../../src/pipeline/runner.api.ts'
import { damageList, outputLead, outputLists } from '../../src/ui/note-lists.ts'

const output = (place: Pick<StoredOutput, 'stage' | 'part'>, summary: unknown): StoredOutput => ({
  round: 1,
  hash: 'h',
  ...place,
  end: { seconds: 1, summary },
})
const read = (part: string, more: object) =>
  output(
    { stage: 'dataset', part },
    { images: 1200, captioned: 3, withTruth: 0, skipped: [], duplicates: [], ...more },
  )

test('pictures are counted with what is known of them, and files passed over are told by what they are for', () => {
  const skipped = [{ name: 'a.png', reason: 'expected a picture' }]
  const outputs = [
    read('train', { skipped, duplicates: [{ name: 'b', hash: 'h', first: 'c' }] }),
    read('heldout', { skipped: [...skipped, ...skipped] }),
    { stage: 'dataset', round: 1, part: 'zero-shot', hash: 'h' } as const,
  ]
  expect(outputLead(outputs)).toBe('1,200 pictures, 3 with captions.')
  expect(outputLead(outputs.slice(1))).toBeUndefined()
  expect(outputLists(outputs)).toEqual([
    { title: '1 file passed over', lines: ['a.png: expected a picture'], count: 1 },
    { title: '1 file there already under another name', lines: ['b is c'], count: 1 },
    { title: '2 held-out files passed over', lines: Array(2).fill('a.png: expected a picture'), count: 2 },
  ])
})

test('questions that could not be read are told, all counted', () => {
  const funnel = [
    { rule: 'unreadable question', unit: 'questions', came: 9, removed: 7, remained: 2, examples: [] },
  ]
  const unreadable = [{ image: 'a.png', text: 'Hm.', why: 'expected a line' }]
  const asked = output({ stage: 'caption', part: 'questions' }, { candidates: 4, funnel, unreadable })
  const [list] = outputLists([output({ stage: 'caption' }, { candidates: 4 }), asked])
  expect(list).toEqual({
    title: '7 questions of the text model could not be read and were left out',
    lines: ['a.png: expected a line; it says “Hm.”'],
    count: 7,
  })
})

test('damage is told where there is some', () => {
  expect(damageList([])).toEqual([])
  expect(damageList([{ text: 'scores/a was damaged' }])).toEqual([
    {
      title: '1 stored value turned out damaged and was dropped; what is missing is made again',
      lines: ['scores/a was damaged'],
      count: 1,
    },
  ])
})
