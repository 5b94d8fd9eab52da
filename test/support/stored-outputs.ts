import type { Evaluation } from '../../src/evaluate/evaluation.ts'
import type { PreferencePair, ScoredCandidate } from '../../src/method/candidate.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { MeasuredSet, RoundOutput, RunOutput } from '../../src/pipeline/run.ts'
import type { StageOutput } from '../../src/pipeline/stage.ts'
import type { DatasetItem, DatasetOutput } from '../../src/pipeline/stages/dataset.ts'
import type { CaptionExample, EvaluateOutput } from '../../src/pipeline/stages/evaluate.ts'
import type { MeasuredImage, MeasureOutput } from '../../src/pipeline/stages/measure.ts'
import type { TrainSummary, TrainUnit } from '../../src/pipeline/stages/train.ts'
import type { StageKind } from '../../src/store/kinds.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { judged } from './evaluation.ts'
import { exampleRunView } from './run-view.ts'
import { removeStore, type TestStore, testStore } from './store.ts'

export const example = exampleRunView()
/** Pictures of a stored run. */
export const IMAGES = 100

export const hashOf = (image: number): string => image.toString(16).padStart(64, '0')

/** Made-up outputs of stages, in a store of their own. */
export class StoredOutputs {
  readonly store: Store
  readonly #files: TestStore

  constructor() {
    this.#files = testStore()
    this.store = openStore(this.#files.options)
  }

  close(): void {
    removeStore(this.#files)
  }

  /** A stage's output of the given units. */
  async output<T, S>(
    kind: StageKind,
    units: Record<string, T> | readonly T[],
    summary: S,
  ): Promise<StageOutput<T, S>> {
    const hash = `${kind}-${crypto.randomUUID()}`
    const made = this.store.stage<T, never>(kind, hash)
    if (Array.isArray(units))
      for (const [i, unit] of (units as readonly T[]).entries()) await made.put(i, unit)
    else for (const [name, unit] of Object.entries(units as Record<string, T>)) await made.put(name, unit)
    return { hash, units: made as StageOutput<T, S>['units'], summary, seconds: 1 }
  }

  /** In units of ten pictures: each with two candidates, the better one's score 20 + its number / 10, and a pair of the two. */
  async round(): Promise<RoundOutput> {
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
    const training = await this.output<TrainUnit, TrainSummary>(
      'results',
      [example.rounds[0]?.metrics ?? []],
      {
        steps: 120,
        pairs: IMAGES,
        adapterHash: '',
      },
    )
    await training.units.put('adapter', {
      'adapter_config.json': '{}',
      'adapter_model.safetensors': new Uint8Array(),
    })
    return {
      captions: await this.output(
        'candidates',
        inUnits(candidates).map((unit) => unit.flat()),
        { candidates: 2 * IMAGES, merged: 0, tokens: 800 },
      ),
      scores: await this.output(
        'scores',
        inUnits(candidates).map((unit) => ({ candidates: unit.flat(), imageText: {} })),
        { scored: 2 * IMAGES, pastContext: 0, empty: 0 },
      ),
      pairs: await this.output('pairs', inUnits(pairs), {
        pairs: IMAGES,
        candidates: 2 * IMAGES,
        funnel: example.rounds[0]?.funnel ?? [],
      }),
      training,
    }
  }

  /** Pictures by turns fixed, broken, inventing in both and clean. */
  async evaluation(): Promise<EvaluateOutput> {
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
    return await this.output('results', [examples.slice(0, 50), examples.slice(50)], {
      evaluation: figures,
      caveats: [],
      objects,
      coOccurrences,
    })
  }

  /** What the model said before or after training: a caption each, and an answer to a yes/no question. */
  async measured(caption: string): Promise<MeasureOutput> {
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
    return await this.output('results', [said.slice(0, 50), said.slice(50)], { images: IMAGES })
  }

  /** What was said of some pictures before and after. */
  async measuredSet(
    name: MeasuredSet['name'],
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
      await this.output('results', [said(0)], { images: 3 }),
      await this.output('results', [said(1)], { images: 3 }),
    ]
    return { name, source: 'my pictures', dataset, before, after, trainedOn: 0 }
  }

  async wholeRun(): Promise<RunOutput> {
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
    const dataset = await this.output('datasets', [items.slice(0, 50), items.slice(50)], {
      images: IMAGES,
      byteLength: 0,
      captioned: 0,
      withTruth: IMAGES,
      skipped: [],
      duplicates: [],
      hash: 'd',
    })
    return {
      recipe: parseRecipe({ ...example.recipe, train: { beta: 0.1 } }),
      dataset,
      rounds: [await this.round(), await this.round()],
      evaluation: await this.evaluation(),
      measured: [
        {
          name: '',
          source: 'my pictures',
          dataset,
          before: await this.measured('a cat'),
          after: await this.measured('A cat.'),
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
}
