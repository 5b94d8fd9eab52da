import { afterEach, beforeEach, expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { runRecipe } from '../../src/pipeline/run.ts'
import { datasetStage } from '../../src/pipeline/stages/dataset.ts'
import { countTrainedOn, trainedOnNotes } from '../../src/pipeline/trained-on.ts'
import { type TestRun, testRun } from '../support/stage.ts'

let run: TestRun
let sources: {
  site: string
  datasets: Record<string, { folder: { name: string; files: Record<string, Blob> } }>
}
beforeEach(async () => {
  run = await testRun()
  const pictures = await Promise.all([1, 2, 3, 4].map(picture))
  const set = (...of: number[]) => ({
    folder: {
      name: 'set',
      files: Object.fromEntries(of.map((i) => [`${i} of ${of}.png`, pictures[i] as Blob])),
    },
  })
  sources = { site: `${location.origin}/`, datasets: { a: set(0, 1), b: set(1, 2, 3), c: set(2, 3) } }
})
afterEach(() => run.close())

async function picture(width: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, 1)
  canvas.getContext('2d')
  return await canvas.convertToBlob()
}

const read = (source: string) =>
  datasetStage(run.context, { source, skip: 0 }, { sources, round: 1, part: source })

test('pictures are the same by their content, whatever they are called', async () => {
  const [a, b, c] = [await read('a'), await read('b'), await read('c')]
  expect(await countTrainedOn(b, a)).toBe(1)
  expect(await countTrainedOn(c, b)).toBe(2)
  expect(await countTrainedOn(c, a)).toBe(0)
})

test('it is said of which pictures that are evaluated, and how many of them', () => {
  expect(
    trainedOnNotes([
      { name: '', images: 100, trainedOn: 12 },
      { name: 'zero-shot ', images: 8, trainedOn: 8 },
      { name: 'zero-shot ', images: 8, trainedOn: 0 },
    ]),
  ).toEqual([
    'Of the 100 pictures evaluated 12 were trained on as well: on new pictures the figures may well be worse.',
    'Of the 8 pictures classified all were trained on as well: on new pictures the figures may well be worse.',
  ])
})

test.each([
  [
    { ...tiny.dataset, limit: 4 },
    /expected pictures that are not trained on, got 4 that all are in dataset embedded/,
  ],
  [{ ...tiny.dataset, skip: 8, limit: 4 }, undefined],
  [{ ...tiny.dataset, skip: 4, limit: 8 }, 'Of the 8 pictures evaluated 4 were trained on as well'],
])('a run evaluated on %j', async (dataset, said) => {
  const { store } = run
  const recipe = parseRecipe({ ...tiny, evaluate: { ...tiny.evaluate, dataset } })
  const controller = new AbortController()
  const notes: string[] = []
  const ended = runRecipe(recipe, {
    store,
    sources: { site: `${location.origin}/` },
    signal: controller.signal,
    emit(event) {
      if (event.kind === 'note') notes.push(event.text)
      if (event.kind === 'stage' && event.stage === 'caption') controller.abort(new Error('far enough'))
    },
  })
  await expect(ended).rejects.toThrow(said instanceof RegExp ? said : 'far enough')
  expect(notes.join()).toContain(typeof said === 'string' ? said : '')
  if (said === undefined) expect(notes).toEqual([])
})
