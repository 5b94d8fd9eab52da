import type { Estimate } from '../../evaluate/bootstrap.ts'
import type { MetricTable } from '../../evaluate/metrics.ts'

/** A line of the table of figures. */
export interface FigureRow {
  readonly id: string
  readonly name: string
  /** What it says, in one plain sentence. */
  readonly meaning: string
  /** Which way is better; undefined where neither is. */
  readonly better?: 'lower' | 'higher'
  /** `percent` is drawn on a scale from 0 to 100. */
  readonly unit: 'percent' | 'words' | 'nouns' | 'nats'
  readonly of: (table: MetricTable) => Estimate | undefined
}

/** The figures of METHOD's `summary.json`, what matters most first. */
export const FIGURE_ROWS: readonly FigureRow[] = [
  {
    id: 'chair',
    name: 'CHAIR',
    meaning: 'Of the things the captions name, the share that is not in the picture.',
    better: 'lower',
    unit: 'percent',
    of: (table) => table.chair,
  },
  {
    id: 'hal',
    name: 'Hal',
    meaning: 'The share of captions that name at least one thing that is not in the picture.',
    better: 'lower',
    unit: 'percent',
    of: (table) => table.hal,
  },
  {
    id: 'cog',
    name: 'Cog',
    meaning:
      'Of the things one would expect in such a scene but that are missing, the share the captions name.',
    better: 'lower',
    unit: 'percent',
    of: (table) => table.cog,
  },
  {
    id: 'cover',
    name: 'Cover',
    meaning: 'Of the things that are in the pictures, the share the captions name.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.cover,
  },
  {
    id: 'amber-score',
    name: 'AMBER score',
    meaning: 'One figure for both: half of 100 less CHAIR, and half the F1 over questions answered "no".',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.amberScore,
  },
  {
    id: 'accuracy',
    name: 'Yes/no accuracy',
    meaning: 'The share of yes/no questions about the pictures that are answered rightly.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.accuracy,
  },
  {
    id: 'yes-rate',
    name: 'Yes-rate',
    meaning: 'The share of questions answered "yes"; near 0 or 100 the model answers without looking.',
    unit: 'percent',
    of: (table) => table.yesNo?.yesRate,
  },
  {
    id: 'precision-no',
    name: 'Precision of "no"',
    meaning: 'Of the answers "no", the share that is right (AMBER).',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.precisionNo,
  },
  {
    id: 'recall-no',
    name: 'Recall of "no"',
    meaning: 'Of the questions whose answer is "no", the share answered so (AMBER).',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.recallNo,
  },
  {
    id: 'f1-no',
    name: 'F1 of "no"',
    meaning:
      'Precision and recall of the answer "no" in one figure (AMBER); "no" to everything scores high too.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.f1No,
  },
  {
    id: 'pope-accuracy',
    name: 'Accuracy by POPE',
    meaning:
      'The same as yes/no accuracy where every answer without a "no" or "not" is taken for yes, as POPE does.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.popeAccuracy,
  },
  {
    id: 'pope-yes-rate',
    name: 'Yes-rate by POPE',
    meaning: 'The share of answers that POPE takes for yes.',
    unit: 'percent',
    of: (table) => table.yesNo?.popeYesRate,
  },
  {
    id: 'precision-yes',
    name: 'Precision of "yes"',
    meaning: 'Of the answers that POPE takes for yes, the share that is right.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.precisionYes,
  },
  {
    id: 'recall-yes',
    name: 'Recall of "yes"',
    meaning: 'Of the questions whose answer is "yes", the share that POPE takes to be answered so.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.recallYes,
  },
  {
    id: 'f1-yes',
    name: 'F1 of "yes"',
    meaning: 'Precision and recall of the answer "yes" in one figure (POPE).',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.yesNo?.f1Yes,
  },
  {
    id: 'zero-shot',
    name: 'Zero-shot top-1',
    meaning: 'The share of pictures of one object that CLIP names rightly from the caption alone.',
    better: 'higher',
    unit: 'percent',
    of: (table) => table.zeroShot?.top1,
  },
  {
    id: 'length',
    name: 'Words',
    meaning: 'The mean length of a caption; a model that says less invents less, so read it beside CHAIR.',
    unit: 'words',
    of: (table) => table.meanLength,
  },
  {
    id: 'nouns',
    name: 'Nouns',
    meaning: 'How many things a caption names on average.',
    unit: 'nouns',
    of: (table) => table.nounsPerCaption,
  },
  {
    id: 'clean-loss',
    name: 'Loss on true captions',
    meaning: 'How surprising the model finds true captions, in nats a token; its change is in percent.',
    better: 'lower',
    unit: 'nats',
    of: (table) => table.cleanLoss,
  },
]

/** What a change means: a direction only where the whole interval lies on one side of zero. */
export function outcomeOf(
  { low, high }: Estimate,
  better: FigureRow['better'],
): 'better' | 'worse' | 'changed' | 'unclear' {
  if (low <= 0 && high >= 0) return 'unclear'
  if (better === undefined) return 'changed'
  return high < 0 === (better === 'lower') ? 'better' : 'worse'
}
