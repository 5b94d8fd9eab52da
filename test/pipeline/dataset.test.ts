import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectPictures } from '../../src/pipeline/inspect-pictures.ts'
import { datasetStage, skippedNotes } from '../../src/pipeline/stages/dataset.ts'
import { type TestRun, testRun } from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

test('what is passed over is told by name, each time', async () => {
  const canvas = new OffscreenCanvas(2, 2)
  canvas.getContext('2d')
  const picture = await canvas.convertToBlob({ type: 'image/png' })
  const files = { 'a.png': picture, 'b.png': new Blob(['no picture']) }
  const sources = { site: location.href, datasets: { mine: { folder: { name: 'mine', files } } } }
  for (let visit = 0; visit < 2; visit++) {
    run.events.length = 0
    await datasetStage(run.context, { source: 'mine', skip: 0 }, { sources, round: 1, part: 'train' })
    const notes = run.events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    expect(notes).toEqual([expect.stringMatching(/^passed over b\.png: expected a PNG/)])
    const progress = run.events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    const told = progress.map(({ done, total, detail }) => [done, total, detail])
    const untilTheEnd = [0, 0, '1 read, 1 passed over'] // how many there are is not known before
    expect(told).toEqual(visit === 0 ? [untilTheEnd, [1, 1, '1 passed over']] : [])
  }
})

test('of many only the first are named', () => {
  const skipped = Array.from({ length: 50 }, (_, i) => ({ name: `${i}.png`, reason: 'damaged' }))
  const notes = skippedNotes({ skipped })
  expect(notes).toHaveLength(21)
  expect(notes.at(-1)).toBe('passed over 30 more')
})

test('a long name is told by its ends', () => {
  const [note] = skippedNotes({ skipped: [{ name: `a${'x'.repeat(5000)}.png`, reason: 'damaged' }] })
  expect(note).toMatch(/^passed over ax+…x+\.png: damaged$/)
  expect(note?.length).toBeLessThan(160)
})

test('other pictures than the recipe means are refused', async () => {
  const canvas = new OffscreenCanvas(2, 2)
  canvas.getContext('2d')
  const files = { 'a.png': await canvas.convertToBlob({ type: 'image/png' }) }
  const folder = { name: 'mine', files }
  const sources = { site: location.href, datasets: { mine: { folder } } }
  const read = async (sha256: string) =>
    await datasetStage(run.context, { source: 'mine', sha256, skip: 0 }, { sources, round: 1, part: 'train' })
  const { sha256 } = await inspectPictures({ folder }, location.href)
  expect((await read(sha256)).summary.images).toBe(1)
  await expect(read('0'.repeat(64))).rejects.toThrow(
    `dataset mine: expected SHA-256 ${'0'.repeat(64)}, got ${sha256}`,
  )
})
