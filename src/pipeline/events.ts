import type { StepMetrics } from '../workers/policy.api.ts'

export type { StepMetrics }

/** The six stages; `evaluate` measures the model before and after. */
export const STAGES = ['dataset', 'caption', 'score', 'pair', 'train', 'evaluate'] as const
export type StageName = (typeof STAGES)[number]

/** Where in a run something happens. */
export interface StagePlace {
  readonly stage: StageName
  /** From 1; the evaluation and its pictures belong to no round and have 0. */
  readonly round: number
  /** Which part of a stage that has several, such as `before` and `after` of the evaluation. */
  readonly part?: string
}

/** What happens in a run, in order; plain data. */
export type RunEvent =
  | (StagePlace & {
      readonly kind: 'stage'
      /** `stored`: its output was there already. */
      readonly state: 'running' | 'done' | 'stored'
      /** What the output is kept under. */
      readonly hash: string
      readonly seconds?: number
    })
  | (StagePlace & {
      readonly kind: 'progress'
      readonly done: number
      /** 0 while nothing is counted. */
      readonly total: number
      /** What is counted, in the plural. */
      readonly unit: string
      /** Partial results in a few words. */
      readonly detail?: string
    })
  | (StagePlace & {
      readonly kind: 'step'
      readonly metrics: StepMetrics
      readonly totalSteps: number
    })
  /** A training has been looked at on its way: there is more of `RunnerApi.watched`. */
  | (StagePlace & { readonly kind: 'watched'; readonly step: number })
  | {
      readonly kind: 'loading'
      readonly what: string
      readonly done: number
      readonly total: number
      /** Comes once, before anything of a policy is loaded: what it will take on the GPU. */
      readonly plannedBytes?: number
    }
  | { readonly kind: 'note'; readonly text: string }
  | (Damage & { readonly kind: 'damage' })

/** A stored value was damaged and has been dropped; the stage that needs it makes it again. */
export interface Damage {
  /** Whose it was; absent where it belongs to none. */
  readonly stage?: StageName
  /** Which value, and what was wrong with it. */
  readonly text: string
}
