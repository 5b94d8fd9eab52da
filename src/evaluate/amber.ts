/** AMBER's lists: what belongs to each object word, and words that are never wrong. */
export interface AmberVocabulary {
  /** `relation.json`: the associates (synonyms, parts, kinds) of each object word. */
  readonly association: Readonly<Record<string, readonly string[]>>
  /** `safe_words.txt`. */
  readonly safeWords: readonly string[]
}

/** What is in a picture, and what a model is tempted to invent there: an entry of `annotations.json`. */
export interface AmberTruth {
  readonly truth: readonly string[]
  readonly hallu: readonly string[]
}

/** What is counted by alone, of all that is known of a picture. */
export function amberTruthOf({ truth, hallu }: AmberTruth): AmberTruth {
  return { truth, hallu }
}

export type NounVerdict = 'safe' | 'grounded' | 'hallucinated'

/** One caption held against its picture's truth. */
export interface CaptionJudgement {
  /** The nouns that count, in the order of the caption. */
  readonly nouns: readonly { readonly noun: string; readonly verdict: NounVerdict }[]
  /** Which truth words were mentioned; of a repeated truth word only the first can be. */
  readonly covered: readonly boolean[]
  /** Which tempting words were mentioned. */
  readonly tempted: readonly boolean[]
}

/** Judges captions by AMBER's generative rules. */
export class AmberJudge {
  readonly #association: ReadonlyMap<string, readonly string[]>
  readonly #vocabulary: ReadonlySet<string>
  readonly #safeWords: ReadonlySet<string>

  constructor({ association, safeWords }: AmberVocabulary) {
    this.#association = new Map(Object.entries(association))
    this.#vocabulary = new Set(Object.entries(association).flatMap(([word, others]) => [word, ...others]))
    this.#safeWords = new Set(safeWords)
  }

  /**
   * Judges a caption's nouns as AMBER's `inference.py` does, its word-vector step aside.
   * @param nouns the caption's nouns, lemmatised, repetitions kept; those outside the vocabulary do not count.
   * @throws {RangeError} for a truth or hallu word without an entry in the association lists, as the script's KeyError.
   */
  judge(nouns: readonly string[], { truth, hallu }: AmberTruth): CaptionJudgement {
    const truthIndex = this.#firstMatches(truth)
    const halluIndex = this.#firstMatches(hallu)
    const covered = truth.map(() => false)
    const tempted = hallu.map(() => false)
    const judged = nouns
      .filter((noun) => this.#vocabulary.has(noun))
      .map((noun): CaptionJudgement['nouns'][number] => {
        if (this.#safeWords.has(noun)) return { noun, verdict: 'safe' }
        const grounds = truthIndex.get(noun)
        if (grounds !== undefined) {
          covered[grounds] = true
          return { noun, verdict: 'grounded' }
        }
        const temptation = halluIndex.get(noun)
        if (temptation !== undefined) tempted[temptation] = true
        return { noun, verdict: 'hallucinated' }
      })
    return { nouns: judged, covered, tempted }
  }

  /** The word a noun stands for: first among the words' associates, in the words' order, then among the words themselves. */
  #firstMatches(words: readonly string[]): ReadonlyMap<string, number> {
    const first = new Map<string, number>()
    const add = (noun: string, index: number): void => {
      if (!first.has(noun)) first.set(noun, index)
    }
    words.forEach((word, index) => {
      const associates = this.#association.get(word)
      if (!associates)
        throw new RangeError(`amber: expected associates of ${JSON.stringify(word)}, found none`)
      for (const noun of associates) add(noun, index)
    })
    words.forEach(add)
    return first
  }
}

/** What a caption adds to AMBER's sums; a corpus's figures are ratios of sums of these. */
export const AMBER_COUNTS = [
  'flagged',
  'nouns',
  'covered',
  'truth',
  'hallucinating',
  'captions',
  'tempted',
  'hallu',
] as const
export type AmberCounts = readonly number[] // (AMBER_COUNTS.length)

/** One caption's counts, in the order of `AMBER_COUNTS`. */
export function amberCounts({ nouns, covered, tempted }: CaptionJudgement): AmberCounts {
  const flagged = nouns.filter(({ verdict }) => verdict === 'hallucinated').length
  const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length
  return [
    flagged,
    nouns.length,
    count(covered),
    covered.length,
    flagged > 0 ? 1 : 0,
    1,
    count(tempted),
    tempted.length,
  ]
}

/** AMBER's generative figures in percent, unrounded; lower is better but for `cover`. */
export interface AmberScores {
  /** Hallucinated nouns among the nouns. */
  chair: number
  /** Truth words mentioned. */
  cover: number
  /** Captions with a hallucinated noun. */
  hal: number
  /** Tempting words mentioned. */
  cog: number
}

/** Every denominator of the script starts at this, so that none is zero. */
const START = 0.001

/** Figures of a corpus from the sums of its captions' counts. */
export function amberScores(sums: ArrayLike<number>): AmberScores {
  const ratio = (numerator: number, denominator: number): number =>
    (100 * (sums[numerator] ?? 0)) / ((sums[denominator] ?? 0) + START)
  // The script counts captions without a flag and subtracts, which differs by its 0.001.
  const clean = (100 * ((sums[5] ?? 0) - (sums[4] ?? 0))) / ((sums[5] ?? 0) + START)
  return { chair: ratio(0, 1), cover: ratio(2, 3), hal: 100 - clean, cog: ratio(6, 7) }
}
