import { countWords } from '../method/sentences.ts'
import {
  AMBER_COUNTS,
  type AmberJudge,
  type AmberScores,
  type AmberTruth,
  amberCounts,
  amberScores,
  type CaptionJudgement,
} from './amber.ts'
import type { Estimate } from './bootstrap.ts'
import {
  amberScore,
  YES_NO_COUNTS,
  type YesNoAnswer,
  type YesNoScores,
  yesNoCounts,
  yesNoFromSums,
} from './yes-no.ts'

/** What one model said about one image, and how well it still says what is true. */
export interface ImageAnswers {
  readonly caption: string
  readonly questions?: readonly YesNoAnswer[]
  /** Loss on the image's clean captions: summed over their tokens, in nats, and the number of tokens. */
  readonly cleanLoss?: { readonly sum: number; readonly tokens: number }
}

/** Judges captions: AMBER's rules, and how nouns are found. */
export interface Judge {
  readonly amber: AmberJudge
  readonly nouns: (caption: string) => readonly string[]
}

export function judgeCaption({ amber, nouns }: Judge, caption: string, truth: AmberTruth): CaptionJudgement {
  return amber.judge(nouns(caption), truth)
}

/** Whether it is known what is in a picture, so that what is said of it can be judged; of some only questions are. */
export function isAnnotated({ truth, hallu }: AmberTruth): boolean {
  return truth.length + hallu.length > 0
}

/** Words and captions, of all pictures. */
const LENGTH_START = AMBER_COUNTS.length
const YES_NO_START = LENGTH_START + 2
const LOSS_START = YES_NO_START + YES_NO_COUNTS.length

const NOT_JUDGED = new Array<number>(AMBER_COUNTS.length).fill(0)

/**
 * What one image adds to the sums of which every metric is a function.
 * @param judgement of the caption; undefined where it is not known what is in the picture.
 */
export function imageCounts(answers: ImageAnswers, judgement: CaptionJudgement | undefined): number[] {
  const { caption, questions = [], cleanLoss = { sum: 0, tokens: 0 } } = answers
  return [
    ...(judgement ? amberCounts(judgement) : NOT_JUDGED),
    countWords(caption),
    1,
    ...yesNoCounts(questions),
    cleanLoss.sum,
    cleanLoss.tokens,
  ]
}

/** A figure of a model on a set of images; in percent but for lengths (words, nouns) and the loss (nats a token). */
interface Metric {
  readonly of: (sums: Float64Array) => number
  /** How many of what it needs were measured. */
  readonly measured: (sums: Float64Array) => number
}

const at = (sums: Float64Array, index: number): number => sums[index] ?? 0
const captions = (sums: Float64Array): number => at(sums, AMBER_COUNTS.indexOf('captions'))
const written = (sums: Float64Array): number => at(sums, LENGTH_START + 1)
const questions = (sums: Float64Array): number => at(sums, YES_NO_START)
const lossTokens = (sums: Float64Array): number => at(sums, LOSS_START + 1)
const yesNo = (sums: Float64Array): YesNoScores => yesNoFromSums(sums.subarray(YES_NO_START, LOSS_START))

const generative = (name: keyof AmberScores): Metric => ({
  of: (sums) => amberScores(sums)[name],
  measured: captions,
})
const answered = (of: (scores: YesNoScores) => number): Metric => ({
  of: (sums) => of(yesNo(sums)),
  measured: questions,
})

/** Every metric of `summary.json` but the zero-shot classification's, by its path there. */
export const METRICS = {
  chair: generative('chair'),
  cover: generative('cover'),
  hal: generative('hal'),
  cog: generative('cog'),
  amberScore: {
    of: (sums) => amberScore(amberScores(sums).chair, yesNo(sums).no.f1),
    measured: (sums) => Math.min(captions(sums), questions(sums)),
  },
  'yesNo.accuracy': answered(({ accuracy }) => accuracy),
  'yesNo.yesRate': answered(({ yesRate }) => yesRate),
  'yesNo.precisionNo': answered(({ no }) => no.precision),
  'yesNo.recallNo': answered(({ no }) => no.recall),
  'yesNo.f1No': answered(({ no }) => no.f1),
  'yesNo.popeAccuracy': answered(({ popeAccuracy }) => popeAccuracy),
  'yesNo.popeYesRate': answered(({ popeYesRate }) => popeYesRate),
  'yesNo.precisionYes': answered(({ yes }) => yes.precision),
  'yesNo.recallYes': answered(({ yes }) => yes.recall),
  'yesNo.f1Yes': answered(({ yes }) => yes.f1),
  cleanLoss: { of: (sums) => at(sums, LOSS_START) / lossTokens(sums), measured: lossTokens },
  meanLength: { of: (sums) => at(sums, LENGTH_START) / written(sums), measured: written },
  nounsPerCaption: {
    of: (sums) => at(sums, AMBER_COUNTS.indexOf('nouns')) / captions(sums),
    measured: captions,
  },
} as const satisfies Record<string, Metric>
export type MetricName = keyof typeof METRICS
type YesNoMetric = MetricName extends infer Name ? (Name extends `yesNo.${infer Own}` ? Own : never) : never

/** Metrics that captions alone give, which is all that truncation controls have. */
export const CAPTION_METRICS = ['chair', 'cover', 'hal', 'cog', 'meanLength', 'nounsPerCaption'] as const
export type CaptionMetrics = Record<(typeof CAPTION_METRICS)[number], Estimate>

/** Figures with their intervals; what was not measured is absent. */
export interface MetricTable extends Partial<CaptionMetrics> {
  meanLength: Estimate
  amberScore?: Estimate
  yesNo?: Record<YesNoMetric, Estimate>
  /** Of other pictures. */
  zeroShot?: { top1: Estimate }
  cleanLoss?: Estimate
}

/** A metric's value; not a number where nothing it needs was measured. */
export function metricValue(name: MetricName, sums: Float64Array): number {
  const { of, measured } = METRICS[name]
  return measured(sums) > 0 ? of(sums) : Number.NaN
}

/** The metrics of which something was measured, by these sums. */
export function measuredMetrics(sums: Float64Array): MetricName[] {
  return (Object.keys(METRICS) as MetricName[]).filter((name) => METRICS[name].measured(sums) > 0)
}

/** Puts figures by path into the shape of `summary.json`. */
export function nested(figures: Readonly<Partial<Record<MetricName, Estimate>>>): MetricTable {
  const table: Record<string, unknown> = {}
  for (const [path, figure] of Object.entries(figures)) {
    const [first = '', second] = path.split('.')
    if (second === undefined) table[first] = figure
    else table[first] = { ...(table[first] as object | undefined), [second]: figure }
  }
  return table as unknown as MetricTable
}
