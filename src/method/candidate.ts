/** What a chat template would not give as it is: texts that go on from a beginning, or break off. */
export interface Verbatim {
  /** The prompt, and the answer's beginning where there is one, as the policy's template writes them. */
  readonly prompt: string
  /** The token that ends the policy's answers, as text; absent where it has none. */
  readonly end?: string
}

/** A text about an image that may be preferred or not: a line of `captions`. */
export interface Candidate {
  /** The image's name in its dataset. */
  readonly image: string
  /** SHA-256 of the image's bytes, hexadecimal. */
  readonly imageHash: string
  /** What was asked. */
  readonly prompt: string
  /** Which of the recipe's prompts that is, such as `p0`, or `q3` for the image's fourth question. */
  readonly promptId: string
  /**
   * Who answered: `policy`, or another captioner's name. Of a question's answers: `template` where they were made from captions,
   * `writer` where a text model wrote them.
   */
  readonly generator: string
  /** Number among the answers of this generator to this prompt. */
  readonly candidate: number
  /** The answer of the likeliest tokens. Default false. */
  readonly greedy?: boolean
  readonly seed: number
  readonly text: string
  readonly numTokens: number
  readonly finishReason: 'stop' | 'length'
  /** For a question's answer: question and answer as one statement, which is what CLIP is shown. */
  readonly statement?: string
  /** The answer's beginning that all candidates of the same prompt share; `text` goes on from there. */
  readonly context?: string
  /** How the policy writes what comes before the text; of candidates that have a context or were cut off. */
  readonly verbatim?: Verbatim
  /** How often this very text came; identical ones are merged. Default 1. */
  readonly count?: number
  /** For a question's answer: whether it was made as the right one; a pair never prefers a wrong one. */
  readonly correct?: boolean
}

/** How a text is scored; see `src/method/scores.ts`. */
export const SCORERS = ['clip', 'f-clip', 'sentence'] as const
export type Scorer = (typeof SCORERS)[number]

export interface ScoredPhrase {
  readonly text: string
  /** 100 x cosine to the image. */
  readonly score: number
}

/** A line of `scores`: a candidate with its CLIP scores, all 100 x cosine. */
export interface ScoredCandidate extends Candidate {
  readonly scores: {
    /** Of the whole text; undefined when the text is past CLIP's context. */
    readonly clip?: number
    /** Mean of the whole text's and each noun phrase's (arXiv 2502.20034). */
    readonly fclip?: number
    /** Mean over the sentences (arXiv 2405.14622). */
    readonly sentence?: number
    /** The recipe's scorer less the text's mean score over the other images; undefined unless asked for. */
    readonly calibrated?: number
  }
  /** Noun phrases (`f-clip`) or sentences (`sentence`) with their own scores. */
  readonly phrases?: readonly ScoredPhrase[]
  /** The score the rules and pairs go by; undefined when the text could not be scored. */
  readonly score?: number
  /** Place among the image's candidates to the same prompt (and after the same context), 0 the best. */
  readonly rank?: number
  /** The question's own score, where the candidate is a question's answer and the rules ask for it. */
  readonly questionScore?: number
}

/** A line of `pairs`, in TRL's columns. */
export interface PreferencePair {
  readonly images: readonly string[]
  readonly imageHash: string
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly chosenScore: number
  readonly rejectedScore: number
  /** chosenScore - rejectedScore. */
  readonly gap: number
  /** The rule that formed the pair. */
  readonly rule: string
  /** The beginning of the answer that both share, already written when the two part. */
  readonly context?: string
  /** The answers that were cut off, which nothing is known to end. Default none. */
  readonly unfinished?: readonly ('chosen' | 'rejected')[]
  /** How the policy writes what comes before the answers, where they are not to be taken for whole ones. */
  readonly verbatim?: Verbatim
  /** Factor on the pair's loss. Default 1. */
  readonly weight?: number
}
