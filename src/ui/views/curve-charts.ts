import type { RoundView } from '../../pipeline/run-view.ts'

export type StepMetrics = RoundView['metrics'][number]
export type MetricKey = Exclude<keyof StepMetrics, 'step'>

/** One line of a chart. */
export interface Curve {
  readonly key: MetricKey
  readonly name: string
  readonly colour: string
  readonly isDashed?: true
}

/** A chart of a training's figures that belong together. */
export interface CurveChart {
  readonly title: string
  /** What to look for, in one plain sentence. */
  readonly meaning: string
  readonly curves: readonly Curve[]
  /** Drawn as it is: a schedule has no noise. */
  readonly isExact?: true
  /** A level to compare with, and in which trainings it says something. Default all. */
  readonly level?: {
    readonly value: number
    readonly name: string
    readonly applies?: (first: StepMetrics) => boolean
  }
}

/** The figures of a step that a table shows, the most telling first. */
export const MAIN_METRICS: readonly MetricKey[] = [
  'loss',
  'rewards/margins',
  'rewards/accuracies',
  'rewards/chosen',
  'rewards/rejected',
  'logps/chosen',
  'logps/rejected',
  'grad_norm',
  'learning_rate',
]

/** What a training is watched by, what matters most first. */
export const CURVE_CHARTS: readonly CurveChart[] = [
  {
    title: 'loss',
    meaning:
      'What every step lowers: how wrong the model’s preferences are, and any other term of the recipe.',
    curves: [{ key: 'loss', name: 'loss', colour: 'var(--accent)' }],
    level: {
      value: Math.LN2,
      name: 'log 2, where the model prefers neither text',
      // Another loss, or one with more terms, begins elsewhere.
      applies: ({ loss }) => Math.abs(loss - Math.LN2) < 1e-3,
    },
  },
  {
    title: 'rewards/margins',
    meaning: 'How much more the tuned model prefers the chosen text than the base model does, times beta.',
    curves: [{ key: 'rewards/margins', name: 'margin', colour: 'var(--accent)' }],
    level: { value: 0, name: 'no preference' },
  },
  {
    title: 'rewards/accuracies',
    meaning: 'The share of pairs whose chosen text gained more than its rejected one.',
    curves: [{ key: 'rewards/accuracies', name: 'accuracy', colour: 'var(--accent)' }],
    level: { value: 0.5, name: 'chance' },
  },
  {
    title: 'logps',
    meaning:
      'Log-probability of the texts; a chosen one that falls as fast as the rejected warns of forgetting.',
    curves: [
      { key: 'logps/chosen', name: 'chosen', colour: 'var(--good)' },
      { key: 'logps/rejected', name: 'rejected', colour: 'var(--bad)', isDashed: true },
    ],
  },
  {
    title: 'grad_norm',
    meaning: 'Length of the gradient before clipping; sudden peaks warn of a learning rate that is too high.',
    curves: [{ key: 'grad_norm', name: 'norm', colour: 'var(--accent)' }],
  },
  {
    title: 'learning_rate',
    meaning: 'The schedule: warm-up, then its decay.',
    curves: [{ key: 'learning_rate', name: 'rate', colour: 'var(--accent)' }],
    isExact: true,
  },
]
