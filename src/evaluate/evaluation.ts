import type { AmberTruth } from './amber.ts'
import { type BootstrapOptions, bootstrapTable, type Counts, type Estimate } from './bootstrap.ts'
import { cutProbability, mixWithCut, truncateToLength, withoutLastSentence } from './controls.ts'
import {
  CAPTION_METRICS,
  type CaptionMetrics,
  type ImageAnswers,
  imageCounts,
  isAnnotated,
  type Judge,
  judgeCaption,
  type MetricName,
  type MetricTable,
  measuredMetrics,
  metricValue,
  nested,
} from './metrics.ts'
import { type TruncationVerdict, truncationVerdict } from './verdict.ts'

/** One image before and after training. */
export interface EvaluatedImage {
  readonly truth: AmberTruth
  readonly before: ImageAnswers
  readonly after: ImageAnswers
}

/** A truncation control's captions, which no training made. */
export interface ControlResult {
  readonly metrics: CaptionMetrics
  /** The tuned model's figure less the control's, paired by image. */
  readonly tunedMinus: CaptionMetrics
}

/** What training changed: the part of `summary.json` that is measured. Figures are in percent but for lengths and losses. */
export interface Evaluation {
  readonly images: number
  readonly before: MetricTable
  readonly after: MetricTable
  /** after - before, paired by image; of `cleanLoss` the change in percent. */
  readonly delta: MetricTable
  readonly controls?: Controls
}

/** What mere shortening would have done; absent where it is known of no picture what is in it. */
export interface Controls {
  /** Base captions cut near the tuned captions' mean length. */
  readonly L: ControlResult
  /** Base captions of which as many lose their last sentence as bring the Cover to the tuned one's. */
  readonly C: ControlResult & { readonly probability: number }
  /** Base captions of more than one sentence, which alone can be cut, in percent. */
  readonly cuttable: number
  readonly verdict: TruncationVerdict
}

/**
 * Evaluates one model on its own: `evaluation.json` of a single adapter.
 * @throws {RangeError} without images, and for a truth word that AMBER's lists do not know.
 */
export function measure(
  images: readonly { readonly truth: AmberTruth; readonly answers: ImageAnswers }[],
  judge: Judge,
  options: BootstrapOptions = {},
): MetricTable {
  const counts = images.map(({ truth, answers }) => countsOfImage(judge, truth, answers))
  const names = measuredMetrics(sumOf(counts))
  return nested(
    bootstrapTable(
      [counts],
      byName(
        names,
        (name) =>
          ([sums]) =>
            value(name, sums),
      ),
      options,
    ),
  )
}

/**
 * Evaluates a tuned model against its base on the same images, with paired bootstrap intervals over images and the truncation
 * controls of METHOD 4.
 * @param options.seed of the resamples and of control C's coins. Default 0.
 * @throws {RangeError} without images, where something was measured on one side only, and for a truth word that AMBER's lists
 * do not know.
 */
export function evaluate(
  images: readonly EvaluatedImage[],
  judge: Judge,
  options: BootstrapOptions = {},
): Evaluation {
  const { seed = 0 } = options
  const countsOf = (answersOf: (image: EvaluatedImage, index: number) => ImageAnswers): number[][] =>
    images.map((image, i) => countsOfImage(judge, image.truth, answersOf(image, i)))
  const before = countsOf((image) => image.before)
  const after = countsOf((image) => image.after)
  const names = measuredMetrics(sumOf(before))
  const namesAfter = measuredMetrics(sumOf(after))
  if (names.join() !== namesAfter.join()) {
    throw new RangeError(
      `evaluation: expected the same measured before and after, got ${names.join(', ')} and ${namesAfter.join(', ')}`,
    )
  }

  const baseCaptions = images.map((image) => image.before.caption)
  const target = value('cover', sumOf(after))
  const cut = countsOf((image) => ({ caption: withoutLastSentence(image.before.caption) }))
  const probability = cutProbability(before.map(coverOf), cut.map(coverOf), target, seed)
  const mixed = mixWithCut(baseCaptions, probability, seed)
  const shortened = truncateToLength(baseCaptions, value('meanLength', sumOf(after)))
  const groups: Counts[] = [
    before,
    after,
    countsOf((_, i) => ({ caption: shortened[i] ?? '' })),
    countsOf((_, i) => ({ caption: mixed[i] ?? '' })),
  ]

  const figures = bootstrapTable(
    groups,
    {
      ...prefixed(
        'before',
        names,
        (name) =>
          ([b]) =>
            value(name, b),
      ),
      ...prefixed(
        'after',
        names,
        (name) =>
          ([, a]) =>
            value(name, a),
      ),
      ...prefixed(
        'delta',
        names,
        (name) =>
          ([b, a]) =>
            change(name, value(name, b), value(name, a)),
      ),
      ...prefixed(
        'L',
        CAPTION_METRICS,
        (name) =>
          ([, , l]) =>
            value(name, l),
      ),
      ...prefixed(
        'C',
        CAPTION_METRICS,
        (name) =>
          ([, , , c]) =>
            value(name, c),
      ),
      ...prefixed(
        'after - L',
        CAPTION_METRICS,
        (name) =>
          ([, a, l]) =>
            value(name, a) - value(name, l),
      ),
      ...prefixed(
        'after - C',
        CAPTION_METRICS,
        (name) =>
          ([, a, , c]) =>
            value(name, a) - value(name, c),
      ),
    },
    options,
  )
  const part = (prefix: string, of: readonly MetricName[]): MetricTable =>
    nested(byName(of, (name) => figures[`${prefix}:${name}`] as Estimate))
  const evaluation = {
    images: images.length,
    before: part('before', names),
    after: part('after', names),
    delta: part('delta', names),
  }
  const judged = images.filter(({ truth }) => isAnnotated(truth))
  if (judged.length === 0) return evaluation
  const ofCaptions = (prefix: string): CaptionMetrics => part(prefix, CAPTION_METRICS) as CaptionMetrics
  const L = { metrics: ofCaptions('L'), tunedMinus: ofCaptions('after - L') }
  const C = { metrics: ofCaptions('C'), tunedMinus: ofCaptions('after - C'), probability }
  const canBeCut = judged.filter(({ before: { caption } }) => withoutLastSentence(caption) !== caption)
  const cuttable = (100 * canBeCut.length) / judged.length
  const verdict = truncationVerdict(L.tunedMinus, C.tunedMinus, cuttable)
  return { ...evaluation, controls: { L, C, cuttable, verdict } }
}

function countsOfImage(judge: Judge, truth: AmberTruth, answers: ImageAnswers): number[] {
  return imageCounts(answers, isAnnotated(truth) ? judgeCaption(judge, answers.caption, truth) : undefined)
}

type Statistic = (sums: readonly Float64Array[]) => number

function prefixed(
  prefix: string,
  names: readonly MetricName[],
  statistic: (name: MetricName) => Statistic,
): Record<string, Statistic> {
  return Object.fromEntries(names.map((name) => [`${prefix}:${name}`, statistic(name)]))
}

function byName<T>(names: readonly MetricName[], of: (name: MetricName) => T): Record<MetricName, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<MetricName, T>
}

function value(name: MetricName, sums: Float64Array | undefined): number {
  return metricValue(name, sums ?? new Float64Array())
}

/** The loss changes by a share, everything else by points. */
function change(name: MetricName, before: number, after: number): number {
  return name === 'cleanLoss' ? 100 * (after / before - 1) : after - before
}

function coverOf(counts: readonly number[]): { covered: number; truth: number } {
  return { covered: counts[2] ?? 0, truth: counts[3] ?? 0 }
}

function sumOf(counts: Counts): Float64Array {
  const sums = new Float64Array(counts[0]?.length ?? 0)
  for (const row of counts) {
    row.forEach((count, i) => {
      sums[i] = (sums[i] as number) + count
    })
  }
  return sums
}
