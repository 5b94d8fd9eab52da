import { afterEach, beforeEach, expect, test } from 'vitest'
import { truthOf } from '../../src/data/truth.ts'
import type { DatasetItem, DatasetOutput } from '../../src/pipeline/stages/dataset.ts'
import { evaluateStage } from '../../src/pipeline/stages/evaluate.ts'
import type { MeasureOutput } from '../../src/pipeline/stages/measure.ts'
import { watchedPictures } from '../../src/pipeline/stages/watch.ts'
import { type TestRun, testCaptions, testPictures, testRun } from '../support/stage.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

/** The same thing said of all pictures. */
async function said(part: string, dataset: DatasetOutput, caption: string): Promise<MeasureOutput> {
  const items: DatasetItem[] = []
  for await (const [, unit] of dataset.units.units()) items.push(...unit)
  return await testCaptions(
    run,
    part,
    items.map(({ name, hash }) => ({ image: name, imageHash: hash, caption })),
  )
}

async function evaluate(notes: readonly Pick<DatasetItem, 'truth'>[]) {
  const pictures = await testPictures(run, notes)
  const withTruth = notes.filter(({ truth }) => truth).length
  const dataset = { ...pictures, summary: { ...pictures.summary, withTruth } }
  const [before, after] = [
    await said('before', dataset, 'A cat and a dog on a mat.'),
    await said('after', dataset, 'A cat.'),
  ]
  const noClip = () => Promise.reject(new Error('expected no use of CLIP'))
  const output = await evaluateStage(
    run.context,
    noClip,
    '',
    { bootstrap: 20 },
    {
      main: { dataset, before, after },
      vocabulary: { association: { cat: [], dog: [] }, safeWords: [] },
      seed: 0,
    },
  )
  return output.summary.evaluation
}

test('where nothing is known of any picture lengths are compared and nothing is said of hallucination', async () => {
  const { images, before, after, controls } = await evaluate([{}, {}, {}])
  expect(images).toBe(3)
  expect(Object.keys(before)).toEqual(['meanLength'])
  expect([before.meanLength.value, after.meanLength.value]).toEqual([8, 2])
  expect(controls).toBeUndefined()
})

test('where it is known of some what they show, the others are left out', async () => {
  const { images, before, after } = await evaluate([{ truth: truthOf({ truth: ['cat'] }) }, {}, {}])
  expect(images).toBe(1)
  expect(before.hal?.value).toBeGreaterThan(99)
  expect(after.hal?.value).toBeLessThan(1)
})

test('a training is watched by the first pictures of every set', async () => {
  const dataset = await testPictures(run, [{}, {}, { truth: truthOf({ truth: ['cat'] }) }, {}, {}])
  const names = async (...sets: DatasetOutput[]) => (await watchedPictures(sets)).map(({ name }) => name)
  expect(await names(dataset)).toEqual(['0.png', '1.png', '2.png', '3.png'])
  expect(await names(dataset, dataset)).toEqual(['0.png', '1.png', '0.png', '1.png'])
})
