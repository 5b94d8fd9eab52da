import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import { readEvaluatedSets } from '../../src/pipeline/evaluated-sets.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { runRecipe } from '../../src/pipeline/run.ts'
import { placeOf } from '../../src/pipeline/share.ts'
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

const TRAIN = tiny.dataset
const HELDOUT = tiny.evaluate.dataset
const OBJECTS = { source: 'embedded:emoji-scenes/zeroshot', limit: 2 }

describe('what is evaluated', () => {
  const notes = (): string[] => run.events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
  const readSets = async (evaluate: object) => {
    const recipe = parseRecipe({ ...tiny, evaluate: { ...tiny.evaluate, ...evaluate } })
    const trained = await datasetStage(run.context, recipe.dataset, { sources, round: 1, part: 'train' })
    return await readEvaluatedSets(run.context, recipe, sources, trained)
  }

  test('may not all be trained on', async () => {
    await expect(readSets({ dataset: { ...TRAIN, limit: 4 } })).rejects.toThrow(
      /^evaluate.dataset embedded:.*: expected pictures that are not trained on, got 4 that all are in dataset embedded/,
    )
  })

  test('is told of where some of it is trained on', async () => {
    const { main, zeroShot } = await readSets({
      dataset: { ...TRAIN, skip: 4, limit: 8 },
      zero_shot: { ...TRAIN, limit: 2 },
    })
    expect([main.trainedOn, zeroShot?.trainedOn]).toEqual([4, 2])
    expect(notes()).toEqual([
      expect.stringContaining('Of the 8 pictures evaluated 4 were trained on as well'),
      expect.stringContaining('Of the 2 pictures classified all were trained on as well'),
    ])
  })

  test('is said nothing of where none of it is', async () => {
    const { main, zeroShot } = await readSets({ dataset: HELDOUT, zero_shot: OBJECTS })
    expect([main.trainedOn, zeroShot?.trainedOn]).toEqual([0, 0])
    expect([main.dataset.summary.images, zeroShot?.dataset.summary.images]).toEqual([8, 2])
    expect(notes()).toEqual([])
    expect(await readSets({ dataset: HELDOUT })).not.toHaveProperty('zeroShot')
  })

  test('has to be known to be classified', async () => {
    await expect(readSets({ zero_shot: { source: 'a' } })).rejects.toThrow(
      /^evaluate.zero_shot a: expected pictures whose truth is known .*, got none/,
    )
  })

  test('is said to be unknown where nothing tells what it shows', async () => {
    const { main, shown } = await readSets({ dataset: { source: 'a' }, shown: { source: 'c' } })
    expect([main.dataset.summary.withTruth, main.source, shown?.name]).toEqual([0, 'a', 'shown '])
    expect(notes()).toEqual([expect.stringMatching(/^It is not known what the 2 pictures evaluated show/)])
  })
})

test('two shares of one data set have no picture in common and all of them together', async () => {
  const share = async (...part: [number, number]) => {
    const ref = { source: 'b', share: part, skip: 0 }
    const { units } = await datasetStage(run.context, ref, { sources, round: 1, part: part.join() })
    const found: string[] = []
    for await (const [, items] of units.units()) found.push(...items.map(({ hash }) => hash))
    return found
  }
  const all = (await share(0, 1)).toSorted((a, b) => placeOf(a) - placeOf(b))
  expect(all).toHaveLength(3)
  const middle = (placeOf(all[0] ?? '') + placeOf(all[1] ?? '')) / 2
  expect(await share(0, middle)).toEqual(all.slice(0, 1))
  expect((await share(middle, 1)).toSorted()).toEqual(all.slice(1).toSorted())
  await expect(share(middle, middle + 1e-9)).rejects.toThrow(
    /expected some of the 3 pictures in the share from .*, found none: give more, or widen the share/,
  )
})

test('a run stops before it writes anything where there is nothing it could be measured by', async () => {
  const { store } = run
  const recipe = parseRecipe({ ...tiny, evaluate: { ...tiny.evaluate, dataset: TRAIN } })
  const stages: string[] = []
  const ended = runRecipe(recipe, {
    store,
    sources,
    emit(event) {
      if (event.kind === 'stage') stages.push(event.stage)
    },
  })
  await expect(ended).rejects.toMatchObject({ name: 'RecipeError' })
  expect(new Set(stages)).toEqual(new Set(['dataset']))
})
