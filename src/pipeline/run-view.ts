import { BinCounter, type Histogram, histogramOf } from '../evaluate/histogram.ts'
import type { CoOccurrence, ObjectRate } from '../evaluate/objects.ts'
import type { PreferencePair } from '../method/candidate.ts'
import type { FunnelStep } from '../method/funnel.ts'
import type { PairSettings } from '../method/pair-settings.ts'
import { byChoice, isStop } from '../method/scores.ts'
import type { Store } from '../store/store.ts'
import type { StepMetrics } from '../workers/policy.api.ts'
import { CHANGES, type Change, changeOf } from './examples.ts'
import type { Recipe } from './recipe.ts'
import type { RoundOutput, RunOutput } from './run.ts'
import { BottomSample } from './sample.ts'
import { type ShownSample, shownSample, shownSets } from './shown-sample.ts'
import type { ZeroShotResult } from './stages/classify.ts'
import type { CaptionExample, EvaluateOutput } from './stages/evaluate.ts'
import type { PairOutput } from './stages/pair.ts'
import { type ScoreOutput, scoredChunks } from './stages/score.ts'
import { readSteps } from './stages/step-log.ts'
import { funnelSteps, type RunSummary, summarize } from './summary.ts'
import { thumbnailUrls } from './thumbnail-urls.ts'
import { type YesNoKind, yesNoKinds } from './yes-no-kinds.ts'

/** Everything the views of a run show: plain JSON of bounded size, however many pictures the run has. */
export interface RunView {
  readonly recipe: Recipe
  readonly summary: RunSummary
  readonly rounds: readonly RoundView[]
  readonly cards: CardSample
  /** Pictures about which nothing is judged, in sets; none where everything is. */
  readonly shown: readonly ShownSample[]
  readonly objects: ObjectsView
  readonly zeroShot?: ZeroShotResult
  /** Empty where no questions were asked. */
  readonly yesNo: readonly YesNoKind[]
}

/** Which nouns are invented, before and after, and beside what before. */
export interface ObjectsView {
  readonly before: readonly ObjectRate[]
  readonly after: readonly ObjectRate[]
  readonly coOccurrences: readonly CoOccurrence[]
}

/** What one round of caption, score, pair and train came to. */
export interface RoundView {
  /** From 1. */
  readonly round: number
  readonly scores: ScoreView
  readonly funnel: readonly FunnelStep[]
  readonly pairs: PairSample
  readonly metrics: readonly StepMetrics[]
}

/** CLIP's scores, and how far apart the candidates of one choice lie. */
export interface ScoreView {
  /** Undefined where nothing was scored. */
  readonly scores?: Histogram<'all' | 'chosen' | 'rejected'>
  /** Best less worst of every choice, and the gaps of the pairs that were made. */
  readonly gaps?: Histogram<'widest' | 'pairs'>
  /** What the rules asked for: the settings of the pair stage. */
  readonly minScore: number | null
  readonly minGap: number
}

/** A picture's captions before and after, with what to show it by. */
export interface Card extends CaptionExample {
  readonly change: Change
  /** Address of a small copy; undefined where there is none. */
  readonly thumbnail?: string
}

export interface CardSample {
  /** Of all pictures. */
  readonly counts: Readonly<Record<Change, number>>
  /** A few of each kind, drawn at random but always the same. */
  readonly cards: readonly Card[]
}

/** A change, or all of them together. */
export type CardKind = Change | 'all'

/** Which of the evaluated pictures are shown. */
export interface CardRange {
  readonly kind: CardKind
  readonly start: number
  readonly end: number
}

export interface PairRow extends PreferencePair {
  readonly thumbnail?: string
}

export interface PairSample {
  readonly count: number
  /** A few pairs, drawn at random but always the same, the widest gap first. */
  readonly pairs: readonly PairRow[]
}

/** Cards of each kind, and pairs of each round, in a view. */
const CARDS = 12
const PAIRS = 24

/** Collects from the store what a run's views show, unit by unit. @throws {IncompleteStageError} when a unit is damaged. */
export async function makeRunView(output: RunOutput, store: Store): Promise<RunView> {
  const { recipe, evaluation, measured } = output
  const { objects, coOccurrences, zeroShot } = evaluation.summary
  const rounds: RoundView[] = []
  for (const [i, round] of output.rounds.entries()) rounds.push(await roundView(round, i + 1, recipe, store))
  const shown: ShownSample[] = []
  for (const set of shownSets(measured)) shown.push(await shownSample(set, store))
  return {
    recipe,
    summary: summarize(output),
    rounds,
    cards: await cardSample(evaluation, store),
    shown,
    objects: { ...objects, coOccurrences },
    ...(zeroShot ? { zeroShot } : {}),
    yesNo: await yesNoKinds(measured[0].before, measured[0].after),
  }
}

async function roundView(
  output: RoundOutput,
  round: number,
  recipe: Recipe,
  store: Store,
): Promise<RoundView> {
  const { scores, pairs, training } = output
  return {
    round,
    scores: await scoreView(scores, pairs, recipe.pair),
    funnel: funnelSteps(output),
    pairs: await pairSample(pairs, store),
    metrics: await readSteps(training.units),
  }
}

/** Histograms of a round's scores and gaps. */
export async function scoreView(
  scores: ScoreOutput,
  pairs: PairOutput,
  { minScore, minGap }: Pick<PairSettings, 'minScore' | 'minGap'>,
): Promise<ScoreView> {
  const score = { all: new BinCounter(), chosen: new BinCounter(), rejected: new BinCounter() }
  const gap = { widest: new BinCounter(), pairs: new BinCounter() }
  for await (const [, { candidates }] of scoredChunks(scores)) {
    for (const candidate of candidates) {
      if (candidate.score !== undefined && !isStop(candidate)) score.all.add(candidate.score)
    }
    for (const choice of byChoice(candidates)) {
      const own = choice.flatMap((candidate) => candidate.score ?? [])
      if (own.length > 1) gap.widest.add(Math.max(...own) - Math.min(...own))
    }
  }
  for await (const [, made] of pairs.units.units()) {
    for (const pair of made) {
      score.chosen.add(pair.chosenScore)
      score.rejected.add(pair.rejectedScore)
      gap.pairs.add(pair.gap)
    }
  }
  const [scoreHistogram, gapHistogram] = [histogramOf(score), histogramOf(gap)]
  return {
    ...(scoreHistogram ? { scores: scoreHistogram } : {}),
    ...(gapHistogram ? { gaps: gapHistogram } : {}),
    minScore,
    minGap,
  }
}

/** A few of a round's pairs: those from `start` on in an order drawn at random. @param end default 24. */
export async function pairSample(
  { units, summary }: PairOutput,
  store: Pick<Store, 'thumbnails'>,
  end = PAIRS,
  start = 0,
): Promise<PairSample> {
  const sample = new BottomSample<PreferencePair>(end)
  for await (const [, made] of units.units()) {
    for (const pair of made)
      sample.add(pair, [pair.imageHash, pair.prompt, pair.context, pair.chosen, pair.rejected].join('\n'))
  }
  const rows = sample.items.slice(start).sort((a, b) => b.gap - a.gap)
  return { count: summary.pairs, pairs: await withThumbnails(rows, store) }
}

/** A few of the evaluated pictures of each kind of change. @param most of each kind. Default 12. */
export async function cardSample(
  output: EvaluateOutput,
  store: Pick<Store, 'thumbnails'>,
  most = CARDS,
): Promise<CardSample> {
  const { counts, cards } = await drawCards(output, CHANGES, most)
  return { counts, cards: await withThumbnails(cards, store) }
}

/** The evaluated pictures of some kind from `start` up to `end`, in an order drawn at random but always the same. */
export async function cardPage(
  output: EvaluateOutput,
  store: Pick<Store, 'thumbnails'>,
  { kind, start, end }: CardRange,
): Promise<CardSample> {
  const { counts, cards } = await drawCards(output, kind === 'all' ? ['all'] : [kind], end)
  return { counts, cards: await withThumbnails(cards.slice(start), store) }
}

/** The first few of each kind, and how many there are of each change. */
async function drawCards(
  { units }: EvaluateOutput,
  kinds: readonly CardKind[],
  most: number,
): Promise<CardSample> {
  const samples = new Map(kinds.map((kind) => [kind, new BottomSample<Card>(most)]))
  const counts = { fixed: 0, broken: 0, both: 0, clean: 0 }
  for await (const [, examples] of units.units()) {
    for (const example of examples) {
      const change = changeOf(example)
      counts[change]++
      for (const kind of [change, 'all'] as const)
        samples.get(kind)?.add({ ...example, change }, example.imageHash)
    }
  }
  return { counts, cards: [...samples.values()].flatMap(({ items }) => items) }
}

async function withThumbnails<T extends { readonly imageHash: string }>(
  rows: readonly T[],
  store: Pick<Store, 'thumbnails'>,
): Promise<(T & { thumbnail?: string })[]> {
  const urls = await thumbnailUrls(
    store,
    rows.map(({ imageHash }) => imageHash),
  )
  return rows.map((row) => {
    const thumbnail = urls.get(row.imageHash)
    return thumbnail === undefined ? row : { ...row, thumbnail }
  })
}
