import type { Candidate, ScoredCandidate, ScoredPhrase } from './candidate.ts'
import { groupBy } from './group.ts'
import type { NounFinder } from './nouns.ts'
import type { ScoreSettings } from './score-settings.ts'
import { sentences } from './sentences.ts'

/** The texts of one candidate that CLIP has to see. */
export interface TextPlan {
  /** The text, or a question and its answer as one statement; undefined for an empty text, which ends the answer. */
  readonly whole?: string
  /** Its noun phrases (`f-clip`) or sentences (`sentence`); empty for `clip`. */
  readonly parts: readonly string[]
  /** The question, where questions are scored too. */
  readonly question?: string
}

/**
 * Plans the scoring of one candidate; texts that come more than once need embedding only once.
 * @param finder of noun phrases; only `f-clip` asks it.
 */
export function planTexts(
  candidate: Candidate,
  settings: ScoreSettings,
  finder: Pick<NounFinder, 'phrases'>,
): TextPlan {
  const whole = (candidate.statement ?? candidate.text).trim()
  if (whole === '') return { parts: [] }
  const parts =
    settings.scorer === 'f-clip'
      ? finder.phrases(whole).map(({ text }) => text)
      : settings.scorer === 'sentence'
        ? sentences(whole)
        : []
  const isAnswer = candidate.statement !== undefined && settings.scoreQuestions
  return { whole, parts, ...(isAnswer ? { question: candidate.prompt } : {}) }
}

/** All distinct texts of a plan. */
export function plannedTexts({ whole, parts, question }: TextPlan): string[] {
  return [...new Set([whole, ...parts, question].filter((text) => text !== undefined))]
}

/** What CLIP says of one text and the candidate's image. */
export interface TextScore {
  /** 100 x cosine. */
  readonly score: number
  /** The text's mean score over the *other* images; needed where scores are calibrated. */
  readonly meanOfOthers?: number
}

/** A text's score on the candidate's image; undefined when the text is longer than CLIP's context. */
export type ScoreOf = (text: string) => TextScore | undefined

/**
 * A text's mean score over the other images, from its mean over all of them.
 * @throws {RangeError} with fewer than two images: then there are no others.
 */
export function meanOfOthers(mean: number, own: number, images: number): number {
  if (images < 2) throw new RangeError(`calibrated scores: expected at least two images, got ${images}`)
  return (mean * images - own) / (images - 1)
}

/**
 * A candidate's scores from its texts' scores. `score` is that of the recipe's scorer, calibrated where asked; it is undefined
 * where a text that it needs is past CLIP's context, and for one that says nothing; `scoreStops` scores endings.
 * @throws {RangeError} when calibration is asked for and a text has no mean over the other images.
 */
export function scoreCandidate(
  candidate: Candidate,
  plan: TextPlan,
  scoreOf: ScoreOf,
  { scorer, calibrate }: ScoreSettings,
): ScoredCandidate {
  if (plan.whole === undefined) return { ...candidate, scores: {} }
  const whole = scoreOf(plan.whole)
  const parts = plan.parts.map(scoreOf)
  const phrases = plan.parts.flatMap((text, i): ScoredPhrase[] => {
    const part = parts[i]
    return part ? [{ text, score: part.score }] : []
  })
  const used = scorer === 'clip' ? [whole] : scorer === 'f-clip' ? [whole, ...parts] : parts
  const plain = meanOf(used, ({ score }) => score)
  const calibrated = calibrate ? meanOf(used, calibratedScore) : undefined
  const score = calibrate ? calibrated : plain
  const question = plan.question === undefined ? undefined : scoreOf(plan.question)
  return {
    ...candidate,
    scores: {
      ...(whole ? { clip: whole.score } : {}),
      ...(scorer === 'f-clip' && plain !== undefined ? { fclip: plain } : {}),
      ...(scorer === 'sentence' && plain !== undefined ? { sentence: plain } : {}),
      ...(calibrated !== undefined ? { calibrated } : {}),
    },
    ...(scorer === 'clip' ? {} : { phrases }),
    ...(score !== undefined ? { score } : {}),
    ...(question ? { questionScore: question.score } : {}),
  }
}

function calibratedScore({ score, meanOfOthers: mean }: TextScore): number {
  if (mean === undefined)
    throw new RangeError('calibrated scores: expected a mean over the other images, got none')
  return score - mean
}

/** Undefined when one of them could not be scored, or there is none. */
function meanOf(
  texts: readonly (TextScore | undefined)[],
  value: (text: TextScore) => number,
): number | undefined {
  if (texts.length === 0) return undefined
  let total = 0
  for (const text of texts) {
    if (!text) return undefined
    total += value(text)
  }
  return total / texts.length
}

/**
 * The score of ending an answer: a quantile of the scores of all sentences that might have gone on.
 * @param scores of the continuations that are not empty, over all images.
 * @throws {RangeError} without scores.
 */
export function stopScore(scores: readonly number[], quantile: number): number {
  if (scores.length === 0) throw new RangeError('stop score: expected scores of sentences, got none')
  const sorted = Float64Array.from(scores).sort()
  const place = quantile * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  return below + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] as number) - below)
}

/** Gives every candidate that ends an answer (an empty text after a context) the score of ending. */
export function scoreStops(candidates: readonly ScoredCandidate[], score: number): ScoredCandidate[] {
  return candidates.map((candidate) => (isStop(candidate) ? { ...candidate, score } : candidate))
}

/** Whether a candidate ends the answer after its context. */
export function isStop({ context, text }: Pick<Candidate, 'context' | 'text'>): boolean {
  return context !== undefined && text.trim() === ''
}

/** Whether a candidate says nothing where something was asked for: no sentence of letters or digits. */
export function isEmpty(candidate: Pick<Candidate, 'context' | 'text' | 'statement'>): boolean {
  return !isStop(candidate) && sentences(candidate.statement ?? candidate.text).length === 0
}

/** The candidates among which one is preferred to another: those of one image, prompt and context. */
export function choiceKey({ imageHash, promptId, prompt, context }: Candidate): string {
  return JSON.stringify([imageHash, promptId, prompt, context ?? null])
}

/** Groups candidates by their choice, in order of first appearance. */
export function byChoice<T extends Candidate>(candidates: readonly T[]): T[][] {
  return [...groupBy(candidates, choiceKey).values()]
}

/** Ranks each choice's candidates, 0 the best, the earlier first among equals; those without a score get no rank. */
export function rankCandidates(candidates: readonly ScoredCandidate[]): ScoredCandidate[] {
  const ranks = new Map<ScoredCandidate, number>()
  for (const group of byChoice(candidates)) {
    group
      .filter(({ score }) => score !== undefined)
      .sort((a, b) => (b.score as number) - (a.score as number))
      .forEach((candidate, rank) => {
        ranks.set(candidate, rank)
      })
  }
  return candidates.map(({ rank: _, ...candidate }, i) => {
    const rank = ranks.get(candidates[i] as ScoredCandidate)
    return rank === undefined ? candidate : { ...candidate, rank }
  })
}
