import type { Candidate, ScoredCandidate } from './candidate.ts'
import type { Shown } from './funnel.ts'
import type { PairSettings } from './pair-settings.ts'
import { isEmpty, isStop } from './scores.ts'
import { countWords } from './sentences.ts'
import { isGenericQuestion } from './statements.ts'

/** A rule with its setting bound: says why an item goes, with the figure that decides; undefined keeps it. */
export interface Rule<T> {
  readonly name: string
  readonly why: (item: T) => string | undefined
}

/** How a candidate is shown as an example. */
export function showCandidate({ image, text, statement, context }: Candidate): Shown {
  return { image, text: statement ?? (context === undefined ? text : `${context} | ${text}`) }
}

/** How much writing an image shows, by `imageTextScore`; undefined where it was not measured. */
export type ImageTextOf = (imageHash: string) => number | undefined

/** Writing in an image raises CLIP's scores of texts that repeat it (METHOD: "an image contains text"). */
export function imageTextRule(max: number, imageText: ImageTextOf): Rule<Candidate> {
  return {
    name: 'image contains text',
    why: ({ image, imageHash }) => {
      const score = imageText(imageHash)
      if (score === undefined) {
        throw new RangeError(
          `rule maxImageText: expected how much writing ${image} shows, got none; measure it or set null`,
        )
      }
      return score > max ? `writing ${score.toFixed(1)} above ${max}` : undefined
    },
  }
}

/** An answer that was cut off says nothing about how the model would have ended it. */
export const unfinishedRule: Rule<Candidate> = {
  name: 'finish reason length',
  why: ({ finishReason, numTokens }) =>
    finishReason === 'length' ? `cut off at ${numTokens} tokens` : undefined,
}

/** What says nothing can neither be scored nor learnt from. */
export const emptyRule: Rule<Candidate> = {
  name: 'empty',
  why: (candidate) => (isEmpty(candidate) ? 'no words' : undefined),
}

/** Texts that CLIP could not read to their end have no score. */
export const pastContextRule: Rule<ScoredCandidate> = {
  name: 'past CLIP context',
  why: (candidate) => {
    if (candidate.score !== undefined) return undefined
    return isStop(candidate)
      ? 'ending was not scored'
      : `${words(candidate)} words are longer than CLIP's context`
  },
}

/** Texts that fit the image too badly in themselves. */
export function minScoreRule(min: number): Rule<ScoredCandidate> {
  return {
    name: 'absolute score',
    why: (candidate) =>
      !isStop(candidate) && candidate.score !== undefined && candidate.score < min
        ? `score ${candidate.score.toFixed(1)} below ${min}`
        : undefined,
  }
}

/** Texts of too few or too many words; ending an answer is none. */
export function lengthRule({
  minWords,
  maxWords,
}: Pick<PairSettings, 'minWords' | 'maxWords'>): Rule<Candidate> {
  return {
    name: 'length',
    why: (candidate) => {
      if (isStop(candidate)) return undefined
      const count = words(candidate)
      if (count < minWords) return `${count} words, fewer than ${minWords}`
      return maxWords !== null && count > maxWords ? `${count} words, more than ${maxWords}` : undefined
    },
  }
}

/** Questions that fit any picture teach nothing about this one. */
export const genericQuestionRule: Rule<Candidate> = {
  name: 'generic question',
  why: ({ statement, prompt }) =>
    statement !== undefined && isGenericQuestion(prompt) ? `"${prompt}" fits any picture` : undefined,
}

/** Questions that do not fit the image. */
export function questionScoreRule(min: number): Rule<ScoredCandidate> {
  return {
    name: 'question score',
    why: ({ statement, questionScore, prompt }) => {
      if (statement === undefined) return undefined
      if (questionScore === undefined) return `"${prompt}" has no score`
      return questionScore < min ? `question's score ${questionScore.toFixed(1)} below ${min}` : undefined
    },
  }
}

/** The rules on single candidates that these settings ask for, in the order in which they apply. */
export function candidateRules(settings: PairSettings, imageText: ImageTextOf): Rule<ScoredCandidate>[] {
  return [
    ...(settings.maxImageText === null ? [] : [imageTextRule(settings.maxImageText, imageText)]),
    ...(settings.keepUnfinished ? [] : [unfinishedRule]),
    emptyRule,
    pastContextRule,
    ...(settings.minScore === null ? [] : [minScoreRule(settings.minScore)]),
    lengthRule(settings),
    ...(settings.keepGenericQuestions ? [] : [genericQuestionRule]),
    ...(settings.minQuestionScore === null ? [] : [questionScoreRule(settings.minQuestionScore)]),
  ]
}

/** Two candidates of one choice, the first the better one by score. */
export interface CandidatePair {
  readonly chosen: ScoredCandidate
  readonly rejected: ScoredCandidate
  /** Whether a person flipped or added it; then the first may be the worse one. */
  readonly isByHand?: boolean
}

/** How a pair is shown as an example. */
export function showPair({ chosen, rejected }: CandidatePair): Shown {
  return {
    image: chosen.image,
    text: `${showCandidate(chosen).text} || ${rejected.statement ?? rejected.text}`,
  }
}

/** chosen's score less rejected's. */
export function gapOf({ chosen, rejected }: CandidatePair): number {
  return (chosen.score as number) - (rejected.score as number)
}

/** CLIP must tell the two apart. */
export function gapRule(min: number): Rule<CandidatePair> {
  return {
    name: 'gap',
    why: (pair) => (gapOf(pair) < min ? `gap ${gapOf(pair).toFixed(1)} below ${min}` : undefined),
  }
}

/** Words of the shorter text over the longer one's, in [0, 1]; 1 where one of them ends the answer. */
export function lengthRatio({ chosen, rejected }: CandidatePair): number {
  if (isStop(chosen) || isStop(rejected)) return 1
  const [a, b] = [words(chosen), words(rejected)]
  return Math.min(a, b) / Math.max(1, a, b)
}

/** A pair of unlike lengths would teach the length. */
export function lengthRatioRule(min: number): Rule<CandidatePair> {
  return {
    name: 'length ratio',
    why: (pair) =>
      lengthRatio(pair) < min ? `lengths' ratio ${lengthRatio(pair).toFixed(2)} below ${min}` : undefined,
  }
}

/** What is preferred must be good in itself, not only better. */
export function minChosenScoreRule(min: number): Rule<CandidatePair> {
  return {
    name: 'chosen score',
    why: ({ chosen }) =>
      !isStop(chosen) && (chosen.score as number) < min
        ? `chosen's score ${(chosen.score as number).toFixed(1)} below ${min}`
        : undefined,
  }
}

/** Of a question's answers, one made wrong is never preferred to one made right. */
export const wrongAnswerRule: Rule<CandidatePair> = {
  name: 'wrong answer',
  why: ({ chosen, rejected }) =>
    chosen.correct === false && rejected.correct === true ? 'CLIP prefers the answer made wrong' : undefined,
}

/** The rules on pairs that these settings ask for, in the order in which they apply. */
export function pairRules(settings: PairSettings): Rule<CandidatePair>[] {
  return [
    wrongAnswerRule,
    gapRule(settings.minGap),
    lengthRatioRule(settings.minLengthRatio),
    ...(settings.minChosenScore === null ? [] : [minChosenScoreRule(settings.minChosenScore)]),
  ]
}

function words({ statement, text }: Candidate): number {
  return countWords(statement ?? text)
}
