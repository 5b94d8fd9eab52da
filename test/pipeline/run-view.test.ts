import { strFromU8, unzipSync } from 'fflate'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Evaluation } from '../../src/evaluate/evaluation.ts'
import type { PreferencePair, ScoredCandidate } from '../../src/method/candidate.ts'
import { type AnswerRow, answerRows } from '../../src/pipeline/answer-rows.ts'
import { runArchive, runFile } from '../../src/pipeline/archive.ts'
import { ARTIFACT_PATHS } from '../../src/pipeline/artifact-paths.ts'
import { sendArtifacts } from '../../src/pipeline/artifacts.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { MeasuredSet, RunOutput } from '../../src/pipeline/run.ts'
import {
  type CardKind,
  cardPage,
  cardSample,
  makeRunView,
  pairSample,
  scoreView,
  yesNoKinds,
} from '../../src/pipeline/run-view.ts'
import type { ArchiveOptions } from '../../src/pipeline/runner.api.ts'
import type { StageOutput } from '../../src/pipeline/stage.ts'
import type { DatasetItem, DatasetOutput } from '../../src/pipeline/stages/dataset.ts'
import type { CaptionExample, EvaluateOutput } from '../../src/pipeline/stages/evaluate.ts'
import type { MeasuredImage, MeasureOutput } from '../../src/pipeline/stages/measure.ts'
import type { TrainSummary, TrainUnit } from '../../src/pipeline/stages/train.ts'
import { thumbnailUrls } from '../../src/pipeline/thumbnail-urls.ts'
import type { StageKind } from '../../src/store/kinds.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { judged } from '../support/evaluation.ts'
import { exampleRunView } from '../support/run-view.ts'
import { bytesOf, removeStore, type TestStore, testStore } from '../support/store.ts'

const example = exampleRunView()
const IMAGES = 100
let files: TestStore
let store: Store

beforeEach(() => {
  files = testStore()
  store = openStore(files.options)
})
afterEach(() => removeStore(files))

/** A stage's output of the given units. */
async function output<T, S>(
  kind: StageKind,
  units: Record<string, T> | readonly T[],
  summary: S,
): Promise<StageOutput<T, S>> {
  const hash = `${kind}-${crypto.randomUUID()}`
  const made = store.stage<T, never>(kind, hash)
  if (Array.isArray(units)) for (const [i, unit] of (units as readonly T[]).entries()) await made.put(i, unit)
  else for (const [name, unit] of Object.entries(units as Record<string, T>)) await made.put(name, unit)
  return { hash, units: made as StageOutput<T, S>['units'], summary, seconds: 1 }
}

const hashOf = (image: number): string => image.toString(16).padStart(64, '0')

/** In units of ten pictures: each with two candidates, the better one's score 20 + its number / 10, and a pair of the two. */
async function round() {
  const candidates = Array.from({ length: IMAGES }, (_, image) =>
    [20 + image / 10, 10].map(
      (score, candidate): ScoredCandidate => ({
        image: `${image}.png`,
        imageHash: hashOf(image),
        prompt: 'Describe.',
        promptId: 'p0',
        generator: 'policy',
        candidate,
        seed: 0,
        text: `A thing ${candidate}.`,
        numTokens: 4,
        finishReason: 'stop',
        scores: { clip: score },
        score,
      }),
    ),
  )
  const pairs = candidates.map(([chosen, rejected], image): PreferencePair => {
    const [chosenScore, rejectedScore] = [chosen?.score ?? 0, rejected?.score ?? 0]
    return {
      images: [`${image}.png`],
      imageHash: hashOf(image),
      prompt: 'Describe.',
      chosen: 'A thing 0.',
      rejected: 'A thing 1.',
      chosenScore,
      rejectedScore,
      gap: chosenScore - rejectedScore,
      rule: 'best-worst',
    }
  })
  const inUnits = <T>(items: readonly T[]): T[][] =>
    Array.from({ length: IMAGES / 10 }, (_, u) => items.slice(10 * u, 10 * u + 10))
  const training = await output<TrainUnit, TrainSummary>('results', [example.rounds[0]?.metrics ?? []], {
    steps: 120,
    pairs: IMAGES,
    adapterHash: '',
  })
  await training.units.put('adapter', {
    'adapter_config.json': '{}',
    'adapter_model.safetensors': new Uint8Array(),
  })
  return {
    captions: await output(
      'candidates',
      inUnits(candidates).map((unit) => unit.flat()),
      { candidates: 2 * IMAGES, merged: 0, tokens: 800 },
    ),
    scores: await output(
      'scores',
      inUnits(candidates).map((unit) => ({ candidates: unit.flat(), imageText: {} })),
      { scored: 2 * IMAGES, pastContext: 0, empty: 0 },
    ),
    pairs: await output('pairs', inUnits(pairs), {
      pairs: IMAGES,
      candidates: 2 * IMAGES,
      funnel: example.rounds[0]?.funnel ?? [],
    }),
    training,
  }
}

/** Pictures by turns fixed, broken, inventing in both and clean. */
async function evaluation(): Promise<EvaluateOutput> {
  const word = (isRight: boolean) => [
    { text: 'cat', verdict: isRight ? ('grounded' as const) : ('hallucinated' as const) },
  ]
  const examples = Array.from(
    { length: IMAGES },
    (_, i): CaptionExample => ({
      image: `${i}.png`,
      imageHash: hashOf(i),
      truth: ['cat'],
      before: word(i % 4 === 1 || i % 4 === 3),
      after: word(i % 4 === 0 || i % 4 === 3),
    }),
  )
  const { before, after, delta, controls } = judged(example.summary)
  const figures: Evaluation = { images: IMAGES, before, after, delta, controls }
  const { coOccurrences, ...objects } = example.objects
  return await output('results', [examples.slice(0, 50), examples.slice(50)], {
    evaluation: figures,
    caveats: [],
    objects,
    coOccurrences,
  })
}

test('cards are a few of each kind, always the same, with the counts of all', async () => {
  const evaluated = await evaluation()
  const { counts, cards } = await cardSample(evaluated, store, 5)
  expect(counts).toEqual({ fixed: 25, broken: 25, both: 25, clean: 25 })
  expect(cards.map(({ change }) => change)).toEqual(
    ['fixed', 'broken', 'both', 'clean'].flatMap((kind) => Array<string>(5).fill(kind)),
  )
  for (const { change, image } of cards)
    expect(change).toBe((['fixed', 'broken', 'both', 'clean'] as const)[Number.parseInt(image, 10) % 4])
  expect((await cardSample(evaluated, store, 5)).cards).toEqual(cards)
})

test('cards of a kind, and all of them, are gone through page by page, each once', async () => {
  const evaluated = await evaluation()
  const pages = async (kind: CardKind): Promise<string[]> => {
    const found: string[] = []
    for (let start = 0; start <= IMAGES; start += 12) {
      const { counts, cards } = await cardPage(evaluated, store, { kind, start, end: start + 12 })
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
  const { cards } = await cardSample(evaluated, store, 12)
  expect(broken.slice(0, 12)).toEqual(
    cards.filter(({ change }) => change === 'broken').map(({ image }) => `broken ${image}`),
  )
})

test('histograms count every candidate, pair and choice', async () => {
  const { scores, pairs } = await round()
  const view = await scoreView(scores, pairs, { minScore: null, minGap: 4 })
  expect(view.scores?.series.all.count).toBe(2 * IMAGES)
  expect(view.scores?.series.rejected).toMatchObject({ count: IMAGES, median: 10 + 1 / 32 })
  expect(view.gaps?.series.widest.counts).toEqual(view.gaps?.series.pairs.counts) // one pair of each choice
  expect(view.gaps?.series.pairs.median).toBeCloseTo(14.95, 1)
})

test('pairs are a few, the widest gap first', async () => {
  const { pairs: some } = await pairSample((await round()).pairs, store, 7)
  expect(some).toHaveLength(7)
  expect(some.map(({ gap }) => gap)).toEqual(some.map(({ gap }) => gap).toSorted((a, b) => b - a))
})

test('pairs are gone through page by page, each once', async () => {
  const { pairs } = await round()
  const found: string[] = []
  for (let start = 0; start <= IMAGES; start += 24) {
    const page = await pairSample(pairs, store, start + 24, start)
    expect(page.count).toBe(IMAGES)
    found.push(...page.pairs.map(({ imageHash }) => imageHash))
  }
  expect([new Set(found).size, found.length]).toEqual([IMAGES, IMAGES])
})

test('questions are counted by kind, before and after', async () => {
  const asked = (answer: 'yes' | 'no' | undefined) =>
    Array.from(
      { length: 6 },
      (_, i): MeasuredImage => ({
        image: `${i}.png`,
        imageHash: hashOf(i),
        caption: '',
        numTokens: 0,
        finishReason: 'stop',
        answers: [
          { kind: i < 4 ? 'existence' : 'colour', text: '?', truth: i % 2 === 0 ? 'yes' : 'no', answer },
        ],
      }),
    )
  const before = await output('results', [asked('yes').slice(0, 3), asked('yes').slice(3)], {
    images: 6,
  })
  const after = await output('results', [asked(undefined)], { images: 6 })
  const always = { accuracy: 50, yesRate: 100, yes: { precision: 50, recall: 100 }, no: { recall: 0 } }
  const never = { accuracy: 0, yesRate: 0, yes: { recall: 0 }, no: { recall: 0 } }
  expect(await yesNoKinds(before, after)).toMatchObject([
    { kind: 'existence', questions: 4, before: always, after: never },
    { kind: 'colour', questions: 2, before: always, after: never },
  ])
})

test('F1 of existence has its own addition, as in AMBER’s script', async () => {
  const answers = (kind: string): MeasuredImage['answers'] =>
    Array.from({ length: 100 }, (_, i) => ({
      kind,
      text: '?',
      truth: i < 50 ? 'no' : 'yes',
      answer: i === 0 ? 'yes' : i < 50 ? 'no' : 'yes',
    }))
  const image = {
    image: 'a.png',
    imageHash: hashOf(0),
    caption: '',
    numTokens: 0,
    finishReason: 'stop',
  } as const
  const measured = await output(
    'results',
    [[{ ...image, answers: [...answers('existence'), ...answers('state')] }]],
    {
      images: 1,
    },
  )
  const kinds = await yesNoKinds(measured, measured)
  expect(kinds.map(({ kind, before: { no } }) => [kind, no])).toEqual([
    ['existence', { precision: 100, recall: 98, f1: 98.9 }],
    ['state', { precision: 100, recall: 98, f1: 99 }],
  ])
})

test('thumbnails become addresses that a browser shows; what is no picture is left out', async () => {
  const canvas = new OffscreenCanvas(7, 5)
  canvas.getContext('2d')
  const picture = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp' })).arrayBuffer())
  await store.thumbnails.put(picture, 'a')
  await store.thumbnails.put(Uint8Array.of(1, 2, 3), 'b')
  const urls = await thumbnailUrls(store, ['a', 'b', 'c', 'a'])
  expect([...urls.keys()]).toEqual(['a'])
  const image = new Image()
  image.src = urls.get('a') ?? ''
  await image.decode()
  expect([image.naturalWidth, image.naturalHeight]).toEqual([7, 5])
})

/** What the model said before or after training: a caption each, and an answer to a yes/no question. */
async function measured(caption: string): Promise<MeasureOutput> {
  const said = Array.from(
    { length: IMAGES },
    (_, i): MeasuredImage => ({
      image: `${i}.png`,
      imageHash: hashOf(i),
      caption,
      numTokens: 2,
      finishReason: 'stop',
      answers: [{ kind: 'existence', text: 'Is there a cat?', truth: 'yes', answer: 'no' }],
    }),
  )
  return await output('results', [said.slice(0, 50), said.slice(50)], { images: IMAGES })
}

/** What was said of some pictures before and after. */
async function measuredSet(
  name: string,
  dataset: DatasetOutput,
  captions: readonly (readonly [before: string, after: string])[],
): Promise<MeasuredSet> {
  const said = (when: 0 | 1) =>
    captions.map(
      (both, i): MeasuredImage => ({
        image: `${i}.png`,
        imageHash: hashOf(i),
        caption: both[when],
        numTokens: 3,
        finishReason: 'stop',
        answers: [],
      }),
    )
  const [before, after] = [
    await output('results', [said(0)], { images: 3 }),
    await output('results', [said(1)], { images: 3 }),
  ]
  return { name, source: 'my pictures', dataset, before, after, trainedOn: 0 }
}

async function wholeRun(): Promise<RunOutput> {
  const items = Array.from(
    { length: IMAGES },
    (_, i): DatasetItem => ({
      name: `${i}.png`,
      hash: hashOf(i),
      type: 'png',
      width: 1,
      height: 1,
      truth: { truth: ['cat'], hallu: [], questions: [], attributes: [], relations: [], objects: [] },
    }),
  )
  const dataset = await output('datasets', [items.slice(0, 50), items.slice(50)], {
    images: IMAGES,
    byteLength: 0,
    captioned: 0,
    withTruth: IMAGES,
    skipped: [],
    duplicates: [],
    hash: 'd',
  })
  return {
    dataset,
    rounds: [await round(), await round()],
    evaluation: await evaluation(),
    measured: [
      {
        name: '',
        source: 'my pictures',
        dataset,
        before: await measured('a cat'),
        after: await measured('A cat.'),
        trainedOn: 0,
      },
    ],
    adapter: {
      files: { 'adapter_config.json': '{"evaluated":1}', 'adapter_model.safetensors': new Uint8Array() },
      hash: 'a',
    },
    models: { policy: 'p', clip: 'c' },
    recipeHash: 'r',
  }
}

test('the files of all rounds are written, those of the last under the plain names', async () => {
  const written: string[] = []
  const files = new Map<string, Blob>()
  const run = await wholeRun()
  const send = async (path: string, body: Blob): Promise<void> => {
    written.push(path)
    files.set(path, body)
  }
  await expect(sendArtifacts(run, store, send)).rejects.toThrow('expected the picture in the store')
  const pictures = Array.from({ length: IMAGES }, (_, i) => ({ hash: hashOf(i), bytes: bytesOf(3, i) }))
  await store.images.putMany(pictures)
  await sendArtifacts(run, store, send)
  for (const { hash } of pictures) expect(written).toContain(`images/${hash}`)
  for (const mark of ['', '.round1']) {
    for (const name of ['captions', 'scores', 'pairs', 'metrics'])
      expect(written).toContain(`${name}${mark}.jsonl`)
    expect(written).toContain(`adapter${mark}/adapter_config.json`)
    const config = await files.get(`adapter${mark}/adapter_config.json`)?.text()
    expect(config).toBe(mark === '' ? '{"evaluated":1}' : '{}')
    const pairs = (await files.get(`pairs${mark}.jsonl`)?.text())?.trim().split('\n')
    expect(pairs).toHaveLength(IMAGES)
  }
  const answers = (await files.get('answers.jsonl')?.text())?.trim().split('\n') ?? []
  expect(answers).toHaveLength(IMAGES)
  expect(JSON.parse(answers[4] ?? '')).toEqual({
    image: '4.png',
    imageHash: hashOf(4),
    truth: ['cat'],
    before: {
      caption: 'a cat',
      numTokens: 2,
      finishReason: 'stop',
      answers: [{ kind: 'existence', text: 'Is there a cat?', truth: 'yes', answer: 'no' }],
      invented: ['cat'],
      grounded: [],
    },
    after: expect.objectContaining({ caption: 'A cat.', invented: [], grounded: ['cat'] }),
  })
  for (const path of written)
    expect(
      ARTIFACT_PATHS.some((form) => form.test(path)),
      path,
    ).toBe(true)
})

test('a zip of a run is the folder that the command line writes, and only what is asked for is made', async () => {
  const run = await wholeRun()
  const pictures = Array.from({ length: IMAGES }, (_, i) => ({ hash: hashOf(i), bytes: bytesOf(3, i) }))
  await store.images.putMany(pictures)
  const written = new Map<string, Blob>()
  await sendArtifacts(run, store, async (path, body) => void written.set(path, body))
  const unpacked = async (options: Omit<ArchiveOptions, 'folder'>) =>
    unzipSync(await (await runArchive(run, store, { folder: 'demo', ...options })).bytes())
  const whole = await unpacked({ more: [{ path: 'report.html', blob: new Blob(['<!doctype html>']) }] })
  expect(Object.keys(whole).sort()).toEqual(
    [...written.keys(), 'report.html'].map((path) => `demo/${path}`).sort(),
  )
  for (const [path, body] of written) expect(whole[`demo/${path}`]).toEqual(await body.bytes())

  const pairs = await unpacked({ parts: ['pairs.jsonl', 'images/'] })
  expect(Object.keys(pairs)).toHaveLength(1 + IMAGES)
  for (const line of strFromU8(pairs['demo/pairs.jsonl'] as Uint8Array)
    .trim()
    .split('\n'))
    for (const image of (JSON.parse(line) as { images: string[] }).images)
      expect(pairs[`demo/${image}`]?.length).toBeGreaterThan(0)

  for (const { pairs: made } of run.rounds)
    made.units.units = () => expect.fail('expected no pairs to be read')
  expect(Object.keys(await unpacked({ parts: ['adapter/'] }))).toEqual([
    'demo/adapter/adapter_config.json',
    'demo/adapter/adapter_model.safetensors',
  ])
  expect(await (await runFile(run, 'summary.json'))?.text()).toBe(await written.get('summary.json')?.text())
  expect(await runFile(run, 'no such file')).toBeUndefined()
})

test('a whole run becomes plain JSON of a size that does not grow with its pictures', async () => {
  const recipe = parseRecipe({ ...example.recipe, train: { beta: 0.1 } })
  const view = await makeRunView(await wholeRun(), recipe, store)
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
  const run = await wholeRun()
  const [main] = run.measured
  const { summary } = await makeRunView(
    { ...run, measured: [{ ...main, trainedOn: 3 }] },
    parseRecipe({ ...example.recipe, train: { beta: 0.1 } }),
    store,
  )
  expect(summary.verdicts[0]).toMatch(/^Of the \d+ pictures evaluated 3 were trained on as well/)
  expect(summary.images).toMatchObject({ trainedOn: 3 })
})

test('pictures that are not judged are shown before and after, changed ones first', async () => {
  const run = await wholeRun()
  const recipe = parseRecipe({ ...example.recipe, train: { beta: 0.1 } })
  const said = [
    ['A cat.', 'A cat.'],
    ['A cat and a dog.', 'A cat.'],
  ] as const
  const shown = await measuredSet(
    'shown ',
    { ...run.dataset, summary: { ...run.dataset.summary, images: 2 } },
    said,
  )
  const view = await makeRunView({ ...run, measured: [run.measured[0], shown] }, recipe, store)
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
  const main = await measuredSet('', unknown, said)
  const alone = await makeRunView({ ...run, measured: [main] }, recipe, store)
  expect(alone.shown.map(({ cards }) => cards.length)).toEqual([2])
  expect(alone.summary.verdicts[0]).toMatch(/^It is not known what the 100 pictures evaluated show/)
})

test('what is said of pictures that are only shown comes after the answers that are judged', async () => {
  const run = await wholeRun()
  const one: DatasetItem = { name: '0.png', hash: hashOf(7), type: 'png', width: 1, height: 1 }
  const dataset = await output('datasets', [[one]], { ...run.dataset.summary, images: 1, withTruth: 0 })
  const shown = await measuredSet('shown ', dataset, [['A cat and a dog.', 'A cat.']])
  const rows: AnswerRow[] = []
  for await (const row of answerRows({ ...run, measured: [run.measured[0], shown] })) rows.push(row)
  expect(rows).toHaveLength(IMAGES + 1)
  expect(rows.at(-1)).toMatchObject({
    imageHash: hashOf(7),
    before: { caption: 'A cat and a dog.' },
    after: { caption: 'A cat.' },
  })
  expect(rows.at(-1)).not.toHaveProperty('truth')
})
