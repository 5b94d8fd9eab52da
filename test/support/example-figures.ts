import type { Estimate } from '../../src/evaluate/bootstrap.ts'
import type { MetricTable } from '../../src/evaluate/metrics.ts'
import type { YesNoScores } from '../../src/evaluate/yes-no.ts'

/** A figure with an interval made up around it. */
export function around(value: number, half = 2.4): Estimate {
  return { value, low: value - half, high: value + half }
}

/** Figures by name, each with an interval around it. */
export function captionFigures<K extends string>(
  values: Readonly<Record<K, number>>,
  half = 1.4,
): Record<K, Estimate> {
  const figures = Object.entries<number>(values).map(([name, value]) => [name, around(value, half)])
  return Object.fromEntries(figures) as Record<K, Estimate>
}

export interface Figures {
  readonly chair: number
  readonly cover: number
  readonly hal: number
  readonly cog: number
  readonly accuracy: number
  readonly top1: number
  readonly length: number
}

/** All figures of a model, of some that are given. */
export function table({ chair, cover, hal, cog, accuracy, top1, length }: Figures): MetricTable {
  return {
    ...captionFigures({ chair, cover, hal, cog, nounsPerCaption: 3.1 }),
    meanLength: around(length, 0.5),
    amberScore: around((100 - chair + accuracy) / 2),
    yesNo: {
      accuracy: around(accuracy),
      yesRate: around(55),
      precisionNo: around(accuracy + 2),
      recallNo: around(accuracy - 4),
      f1No: around(accuracy - 1),
      popeAccuracy: around(accuracy + 0.5),
      popeYesRate: around(55.5),
      precisionYes: around(accuracy - 1),
      recallYes: around(accuracy + 3),
      f1Yes: around(accuracy + 1),
    },
    zeroShot: { top1: around(top1, 3) },
    cleanLoss: around(0.612, 0.02),
  }
}

/** after - before, with intervals of their own. */
export function difference(before: MetricTable, after: MetricTable): MetricTable {
  const less = (a: Estimate | undefined, b: Estimate | undefined): Estimate =>
    around((b?.value ?? 0) - (a?.value ?? 0), 1.6)
  const of = (name: 'chair' | 'cover' | 'hal' | 'cog' | 'meanLength' | 'nounsPerCaption' | 'amberScore') =>
    less(before[name], after[name])
  const answered = (name: keyof NonNullable<MetricTable['yesNo']>) =>
    less(before.yesNo?.[name], after.yesNo?.[name])
  return {
    chair: of('chair'),
    cover: of('cover'),
    hal: of('hal'),
    cog: of('cog'),
    meanLength: of('meanLength'),
    nounsPerCaption: of('nounsPerCaption'),
    amberScore: of('amberScore'),
    yesNo: {
      accuracy: answered('accuracy'),
      yesRate: answered('yesRate'),
      precisionNo: answered('precisionNo'),
      recallNo: answered('recallNo'),
      f1No: answered('f1No'),
      popeAccuracy: answered('popeAccuracy'),
      popeYesRate: answered('popeYesRate'),
      precisionYes: answered('precisionYes'),
      recallYes: answered('recallYes'),
      f1Yes: answered('f1Yes'),
    },
    zeroShot: { top1: less(before.zeroShot?.top1, after.zeroShot?.top1) },
    cleanLoss: around(0.4, 0.6),
  }
}

/** Figures of yes/no questions, of some that are given. */
export function yesNoFigures(accuracy: number, yesRate: number): YesNoScores {
  return {
    accuracy,
    yesRate,
    no: { precision: accuracy + 2, recall: accuracy - 4, f1: accuracy - 1 },
    yes: { precision: accuracy - 1, recall: accuracy + 3, f1: accuracy + 1 },
    popeAccuracy: accuracy,
    popeYesRate: yesRate,
  }
}
