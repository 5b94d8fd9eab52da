import type { Evaluation } from '../evaluate/evaluation.ts'
import type { MetricTable } from '../evaluate/metrics.ts'
import type { FunnelStep } from '../method/funnel.ts'
import type { UnmatchedEdit } from '../method/pair-edits.ts'
import { setNotes } from './evaluated-sets.ts'
import type { DeviceProfile, ModelHashes } from './models.ts'
import type { RoundOutput, RunOutput } from './run.ts'
import type { ZeroShotResult } from './stages/classify.ts'
import { tablesOf } from './tables.ts'
import { fewNotes, verdicts } from './verdicts.ts'

/** What the rules of a round did, and the edits by hand that found nothing; absent where there are none. */
export interface RoundFunnel {
  readonly round: number
  readonly steps: readonly FunnelStep[]
  readonly unmatchedEdits?: readonly UnmatchedEdit[]
}

/** What is told of a stage; of one that was kept from before, what it took then. */
export interface StageNote {
  /** What its output is kept under: equal where version, settings and inputs are. */
  readonly hash: string
  readonly seconds: number
  readonly peakGpuBytes?: number
}

/** `summary.json`; figures in percent with 95% intervals, but for lengths (words, nouns) and losses (nats a token). */
export interface RunSummary {
  readonly before: MetricTable
  readonly after: MetricTable
  /** after - before, paired by image; of `cleanLoss` the change in percent. */
  readonly delta: MetricTable
  readonly controls?: NonNullable<Evaluation['controls']>
  /** CLIP on the zero-shot pictures themselves; absent where none were given. */
  readonly zeroShotCeiling?: ZeroShotResult['ceiling']
  /** What the figures mean, in words. */
  readonly verdicts: readonly string[]
  readonly funnel: readonly RoundFunnel[]
  /** Preference pairs and optimiser steps of all rounds. */
  readonly pairs: number
  readonly steps: number
  /** By stage, in the order they ran. */
  readonly stages: Readonly<Record<string, StageNote>>
  readonly images: {
    readonly train: number
    readonly evaluated: number
    /** What those evaluated are of, as the recipe names it. */
    readonly source: string
    /** How many of those evaluated were trained on as well; absent when none was. */
    readonly trainedOn?: number
  }
  /** What the policy ran on; absent where all its work was taken from other runs. */
  readonly device?: DeviceProfile
  readonly recipeHash: string
  readonly modelHashes: ModelHashes
  readonly datasetHash: string
}

/** What a run came to. */
export function summarize(output: RunOutput): RunSummary {
  const { dataset, rounds, evaluation, measured, models, recipeHash, device } = output
  const { evaluation: figures, zeroShot, caveats } = evaluation.summary
  const tables = tablesOf(figures, zeroShot)
  const [{ source, trainedOn }] = measured
  const sum = (of: (round: RunOutput['rounds'][number]) => number): number =>
    rounds.reduce((total, round) => total + of(round), 0)
  return {
    ...tables,
    ...(figures.controls ? { controls: figures.controls } : {}),
    ...(zeroShot ? { zeroShotCeiling: zeroShot.ceiling } : {}),
    verdicts: [
      ...setNotes(measured),
      ...fewNotes(figures.images),
      ...verdicts(tables, figures.controls),
      ...caveats,
    ],
    funnel: funnelOf(output),
    pairs: sum(({ pairs }) => pairs.summary.pairs),
    steps: sum(({ training }) => training.summary.steps),
    stages: stageNotes(output),
    images: {
      train: dataset.summary.images,
      evaluated: figures.images,
      source,
      ...(trainedOn > 0 ? { trainedOn } : {}),
    },
    ...(device ? { device } : {}),
    recipeHash,
    modelHashes: models,
    datasetHash: dataset.summary.hash,
  }
}

/** What the rules of every round did: `funnel.json`. */
export function funnelOf({ rounds }: Pick<RunOutput, 'rounds'>): RoundFunnel[] {
  return rounds.map((round, i) => {
    const { unmatchedEdits } = round.pairs.summary
    return { round: i + 1, steps: funnelSteps(round), ...(unmatchedEdits ? { unmatchedEdits } : {}) }
  })
}

/** From what a text model wrote, where one did, to the pairs. */
export function funnelSteps({
  questions,
  pairs,
}: Pick<RoundOutput, 'questions' | 'pairs'>): readonly FunnelStep[] {
  return [...(questions?.summary.funnel ?? []), ...pairs.summary.funnel]
}

function stageNotes({ dataset, rounds, evaluation, measured }: RunOutput): RunSummary['stages'] {
  const notes: Record<string, StageNote> = {}
  const add = (name: string, { hash, seconds, peakGpuBytes }: StageNote): void => {
    notes[name] = { hash, seconds, ...(peakGpuBytes === undefined ? {} : { peakGpuBytes }) }
  }
  add('dataset', dataset)
  rounds.forEach(({ captions, questions, scores, pairs, training }, i) => {
    const suffix = i === 0 ? '' : ` ${i + 1}`
    add(`caption${suffix}`, captions)
    if (questions) add(`caption questions${suffix}`, questions)
    add(`score${suffix}`, scores)
    add(`pair${suffix}`, pairs)
    add(`train${suffix}`, training)
  })
  for (const { name, before, after } of measured) {
    add(`evaluate ${name}before`, before)
    add(`evaluate ${name}after`, after)
  }
  add('evaluate', evaluation)
  return notes
}
