import { bootstrap, type Estimate, pairedBootstrap } from '../../evaluate/bootstrap.ts'
import { type EvaluatedImage, type Evaluation, evaluate } from '../../evaluate/evaluation.ts'
import { type MarkedText, markNouns } from '../../evaluate/mark.ts'
import { isAnnotated, judgeCaption } from '../../evaluate/metrics.ts'
import {
  type CoOccurrence,
  coOccurrences,
  type JudgedCaption,
  type ObjectRate,
  objectRates,
} from '../../evaluate/objects.ts'
import type { ClipEmbedder } from '../clip-embedder.ts'
import type { EvaluateSettings } from '../recipe.ts'
import { runStage, type StageContext, type StageOutput } from '../stage.ts'
import { caveatsOf, type EvaluationVocabulary, openJudge } from '../vocabulary.ts'
import type { DatasetItem, DatasetOutput } from './dataset.ts'
import type { MeasuredImage, MeasureOutput } from './measure.ts'

/** One data set measured before and after training. */
export interface MeasuredPair {
  readonly dataset: DatasetOutput
  readonly before: MeasureOutput
  readonly after: MeasureOutput
}

/** Zero-shot classification of single objects: the model captions the picture, CLIP's text tower classifies the caption. */
export interface ZeroShotResult {
  readonly images: number
  readonly classes: readonly string[]
  readonly before: Estimate
  readonly after: Estimate
  readonly delta: Estimate
  /** CLIP on the pictures themselves: what captions can hardly exceed. */
  readonly ceiling: Estimate
  /** Counts after training: row the true class, column the nearest one. */
  readonly confusion: readonly (readonly number[])[]
}

/** One picture's captions with their nouns judged. */
export interface CaptionExample {
  readonly image: string
  readonly imageHash: string
  readonly truth: readonly string[]
  readonly before: readonly MarkedText[]
  readonly after: readonly MarkedText[]
}

export interface EvaluateSummary {
  readonly evaluation: Evaluation
  /** What the figures differ by from those of a benchmark's own script. */
  readonly caveats: readonly string[]
  readonly zeroShot?: ZeroShotResult
  readonly objects: { readonly before: readonly ObjectRate[]; readonly after: readonly ObjectRate[] }
  readonly coOccurrences: readonly CoOccurrence[]
}

/** Unit i: the captions of those of the i-th pictures of which it is known what they show, judged. */
export type EvaluateOutput = StageOutput<CaptionExample[], EvaluateSummary>

export interface EvaluateInputs {
  readonly main: MeasuredPair
  readonly zeroShot?: MeasuredPair
  readonly vocabulary: EvaluationVocabulary
  readonly seed: number
}

/** Compares what the model says before and after training with the truth. @throws {RangeError} without pictures of known truth. */
export async function evaluateStage(
  context: StageContext,
  openClip: () => Promise<ClipEmbedder>,
  clipHash: string,
  { bootstrap: samples }: Pick<EvaluateSettings, 'bootstrap'>,
  { main, zeroShot, vocabulary, seed }: EvaluateInputs,
): Promise<EvaluateOutput> {
  const spec = {
    stage: 'evaluate',
    kind: 'results',
    version: 5,
    round: 0,
    settings: { samples, seed, vocabulary },
    inputs: {
      before: main.before.hash,
      after: main.after.hash,
      ...(zeroShot
        ? { zeroBefore: zeroShot.before.hash, zeroAfter: zeroShot.after.hash, clip: clipHash }
        : {}),
    },
  } as const
  return await runStage<CaptionExample[], EvaluateSummary>(context, spec, async (units, progress) => {
    const judge = await openJudge(vocabulary)
    const images: EvaluatedImage[] = []
    const judged = { before: [] as JudgedCaption[], after: [] as JudgedCaption[] }
    for await (const [chunk, rows] of measuredChunks(main)) {
      context.signal.throwIfAborted()
      const examples: CaptionExample[] = []
      for (const { item, before, after } of rows) {
        if (!item.truth) continue
        const { truth } = item
        images.push({ truth, before: answersOf(before), after: answersOf(after) })
        if (!isAnnotated(truth)) continue
        const read = (measured: MeasuredImage) => judgeCaption(judge, measured.caption, truth)
        const [first, second] = [read(before), read(after)]
        judged.before.push({ judgement: first, truth })
        judged.after.push({ judgement: second, truth })
        examples.push({
          image: item.name,
          imageHash: item.hash,
          truth: truth.truth,
          before: markNouns(before.caption, first.nouns),
          after: markNouns(after.caption, second.nouns),
        })
      }
      await units.put(chunk, examples, { images: examples.map(({ imageHash }) => imageHash) })
      progress(images.length, main.dataset.summary.images, 'pictures')
    }
    const evaluation = evaluate(images, judge, { samples, seed })
    return {
      evaluation,
      caveats: caveatsOf(vocabulary),
      ...(zeroShot
        ? { zeroShot: await classify(await openClip(), zeroShot, { samples, seed, signal: context.signal }) }
        : {}),
      objects: { before: objectRates(judged.before), after: objectRates(judged.after) },
      coOccurrences: coOccurrences(judged.before).slice(0, 20),
    }
  })
}

export function answersOf({ caption, answers, clean }: MeasuredImage): EvaluatedImage['before'] {
  return {
    caption,
    questions: answers,
    ...(clean ? { cleanLoss: { sum: -clean.logp, tokens: clean.numTokens } } : {}),
  }
}

export interface MeasuredRow {
  readonly item: DatasetItem
  readonly before: MeasuredImage
  readonly after: MeasuredImage
}

/** What was measured, beside the pictures it was measured on. */
export async function* measuredChunks({
  dataset,
  before,
  after,
}: MeasuredPair): AsyncGenerator<readonly [number, MeasuredRow[]]> {
  for await (const [chunk, items] of dataset.units.units()) {
    const [first, second] = await Promise.all([before.units.expect(chunk), after.units.expect(chunk)])
    const rows = items.flatMap((item, i): MeasuredRow[] => {
      const [b, a] = [first[i], second[i]]
      return b && a ? [{ item, before: b, after: a }] : []
    })
    if (rows.length !== items.length)
      throw new RangeError(
        `evaluate: expected ${items.length} measured pictures in chunk ${chunk}, got ${rows.length}; run it again`,
      )
    yield [Number(chunk), rows]
  }
}

export async function classify(
  clip: ClipEmbedder,
  measured: MeasuredPair,
  { signal, ...options }: { samples: number; seed: number; signal: AbortSignal },
): Promise<ZeroShotResult> {
  const rows: MeasuredRow[] = []
  for await (const [, chunk] of measuredChunks(measured)) rows.push(...chunk)
  const known = rows.flatMap((row) => {
    const [name] = row.item.truth?.truth ?? []
    return name === undefined ? [] : [{ ...row, name }]
  })
  const classes = [...new Set(known.map(({ name }) => name))].sort()
  const own = known.map(({ name }) => classes.indexOf(name))
  const names = classes.map((name) => `a photo of ${article(name)} ${name}.`)
  const prompts = await embedded(clip, names, signal)
  const nearest = async (texts: readonly string[]): Promise<number[]> =>
    await clip.classify(await embedded(clip, texts, signal), prompts)
  const before = await nearest(known.map((row) => row.before.caption))
  const after = await nearest(known.map((row) => row.after.caption))
  const pictures = await clip.classify(await clip.embedImages(known.map(({ item }) => item)), prompts)
  const hits = (found: readonly number[]): number[][] =>
    found.map((index, i) => [index === own[i] ? 1 : 0, 1])
  const share = (sums: Float64Array): number => (100 * (sums[0] ?? 0)) / Math.max(1, sums[1] ?? 0)
  const confusion = classes.map(() => new Array<number>(classes.length).fill(0))
  after.forEach((index, i) => {
    const row = confusion[own[i] ?? 0]
    if (row) row[index] = (row[index] ?? 0) + 1
  })
  return {
    images: known.length,
    classes,
    before: bootstrap(hits(before), share, options),
    after: bootstrap(hits(after), share, options),
    delta: pairedBootstrap(hits(before), hits(after), share, options),
    ceiling: bootstrap(hits(pictures), share, options),
    confusion,
  }
}

/** Unit embeddings; of a caption past CLIP's context only the beginning is shown to it. */
async function embedded(
  clip: ClipEmbedder,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  let wanted = [...texts]
  for (;;) {
    signal.throwIfAborted()
    const found = await clip.embedTexts(wanted)
    if (found.every((vector) => vector !== undefined)) return found
    wanted = wanted.map((text, i) => (found[i] ? text : text.slice(0, Math.floor(0.7 * text.length))))
  }
}

function article(noun: string): string {
  return /^[aeiou]/i.test(noun) ? 'an' : 'a'
}
