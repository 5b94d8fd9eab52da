import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type CardKind,
  cardPage,
  cardSample,
  makeRunView,
  pairSample,
  scoreView,
} from '../../src/pipeline/run-view.ts'
import { example, IMAGES, StoredOutputs } from '../support/stored-outputs.ts'

let outputs: StoredOutputs
beforeEach(() => {
  outputs = new StoredOutputs()
})
afterEach(() => outputs.close())

test('cards are a few of each kind, always the same, with the counts of all', async () => {
  const evaluated = await outputs.evaluation()
  const { counts, cards } = await cardSample(evaluated, outputs.store, 5)
  expect(counts).toEqual({ fixed: 25, broken: 25, both: 25, clean: 25 })
  expect(cards.map(({ change }) => change)).toEqual(
    ['fixed', 'broken', 'both', 'clean'].flatMap((kind) => Array<string>(5).fill(kind)),
  )
  for (const { change, image } of cards)
    expect(change).toBe((['fixed', 'broken', 'both', 'clean'] as const)[Number.parseInt(image, 10) % 4])
  expect((await cardSample(evaluated, outputs.store, 5)).cards).toEqual(cards)
})

test('cards of a kind, and all of them, are gone through page by page, each once', async () => {
  const evaluated = await outputs.evaluation()
  const pages = async (kind: CardKind): Promise<string[]> => {
    const found: string[] = []
    for (let start = 0; start <= IMAGES; start += 12) {
      const { counts, cards } = await cardPage(evaluated, outputs.store, { kind, start, end: start + 12 })
      expect(counts).toEqual({ fixed: 25, broken: 25, both: 25, clean: 25 })
      expect(cards.length).toBeLessThanOrEqual(12)
      for (const { change, image } of cards) found.push(`${change} ${image}`)
    }
    return found
  }
  const [all, broken] = [await pages('all'), await pages('broken')]
  expect([new Set(all).size, all.length]).toEqual([IMAGES, IMAGES])
  expect(broken).toHaveLength(25)
  expect(broken.toSorted()).toEqual(all.filter((one) => one.startsWith('broken')).toSorted())
  // The first page is what the report shows.
  const { cards } = await cardSample(evaluated, outputs.store, 12)
  expect(broken.slice(0, 12)).toEqual(
    cards.filter(({ change }) => change === 'broken').map(({ image }) => `broken ${image}`),
  )
})

test('histograms count every candidate, pair and choice', async () => {
  const { scores, pairs } = await outputs.round()
  const view = await scoreView(scores, pairs, { minScore: null, minGap: 4 })
  expect(view.scores?.series.all.count).toBe(2 * IMAGES)
  expect(view.scores?.series.rejected).toMatchObject({ count: IMAGES, median: 10 + 1 / 32 })
  expect(view.gaps?.series.widest.counts).toEqual(view.gaps?.series.pairs.counts) // one pair of each choice
  expect(view.gaps?.series.pairs.median).toBeCloseTo(14.95, 1)
})

test('pairs are a few, the widest gap first', async () => {
  const { pairs: some } = await pairSample((await outputs.round()).pairs, outputs.store, 7)
  expect(some).toHaveLength(7)
  expect(some.map(({ gap }) => gap)).toEqual(some.map(({ gap }) => gap).toSorted((a, b) => b - a))
})

test('pairs are gone through page by page, each once', async () => {
  const { pairs } = await outputs.round()
  const found: string[] = []
  for (let start = 0; start <= IMAGES; start += 24) {
    const page = await pairSample(pairs, outputs.store, start + 24, start)
    expect(page.count).toBe(IMAGES)
    found.push(...page.pairs.map(({ imageHash }) => imageHash))
  }
  expect([new Set(found).size, found.length]).toEqual([IMAGES, IMAGES])
})

test('a whole run becomes plain JSON of a size that does not grow with its pictures', async () => {
  const view = await makeRunView(await outputs.wholeRun(), outputs.store)
  expect(JSON.parse(JSON.stringify(view))).toEqual(view)
  expect(view.rounds.map(({ round: number }) => number)).toEqual([1, 2])
  expect(view.rounds[0]?.metrics).toEqual(example.rounds[0]?.metrics)
  expect(view.rounds[0]?.pairs.pairs.length).toBeLessThan(IMAGES)
  expect(view.cards.cards.length).toBeLessThan(IMAGES)
  expect(view.summary.pairs).toBe(2 * IMAGES)
  expect(view.yesNo).toHaveLength(1)
  expect(view).not.toHaveProperty('zeroShot')
})

test('a run evaluated on pictures it was trained on says so before anything else', async () => {
  const run = await outputs.wholeRun()
  const [main] = run.measured
  const { summary } = await makeRunView({ ...run, measured: [{ ...main, trainedOn: 3 }] }, outputs.store)
  expect(summary.verdicts[0]).toMatch(/^Of the \d+ pictures evaluated 3 were trained on as well/)
  expect(summary.images).toMatchObject({ trainedOn: 3 })
})

test('pictures that are not judged are shown before and after, changed ones first', async () => {
  const run = await outputs.wholeRun()
  const said = [
    ['A cat.', 'A cat.'],
    ['A cat and a dog.', 'A cat.'],
  ] as const
  const shown = await outputs.measuredSet(
    'shown ',
    { ...run.dataset, summary: { ...run.dataset.summary, images: 2 } },
    said,
  )
  const view = await makeRunView({ ...run, measured: [run.measured[0], shown] }, outputs.store)
  expect(view.shown).toMatchObject([
    {
      source: 'my pictures',
      images: 2,
      trainedOn: 0,
      cards: [{ before: 'A cat and a dog.', after: 'A cat.' }, { before: 'A cat.' }],
    },
  ])
  expect(view.summary.images).toMatchObject({ evaluated: IMAGES, source: 'my pictures' })

  const unknown = { ...run.dataset, summary: { ...run.dataset.summary, withTruth: 0 } }
  const main = await outputs.measuredSet('', unknown, said)
  const alone = await makeRunView({ ...run, measured: [main] }, outputs.store)
  expect(alone.shown.map(({ cards }) => cards.length)).toEqual([2])
  expect(alone.summary.verdicts[0]).toMatch(/^It is not known what the 100 pictures evaluated show/)
})
