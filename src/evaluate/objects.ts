import type { AmberTruth, CaptionJudgement } from './amber.ts'

/** A judged caption and its picture's truth. */
export interface JudgedCaption {
  readonly judgement: CaptionJudgement
  readonly truth: AmberTruth
}

/** How often one noun was said, and invented. */
export interface ObjectRate {
  readonly noun: string
  readonly mentions: number
  /** Mentions that the picture does not bear out. */
  readonly flagged: number
  /** flagged / mentions, in percent. */
  readonly rate: number
}

/** How often a noun is invented beside something that is there, and elsewhere: what seduces the model. */
export interface CoOccurrence {
  readonly noun: string
  readonly beside: string
  /** Pictures that have `beside` and not `noun`, and how many of their captions invent `noun`. */
  readonly images: number
  readonly invented: number
  /** invented / images, and the same over the pictures that have neither, in percent. */
  readonly rate: number
  readonly rateElsewhere: number
}

/** Counts of words and of pairs of them, however many pictures there are. */
class PairCounts {
  #all = 0
  readonly #words = new Map<string, number>()
  readonly #pairs = new Map<string, Map<string, number>>()

  /** A picture's own words and those it has beside each. */
  add(words: ReadonlySet<string>, beside: ReadonlySet<string>): void {
    this.#all++
    for (const word of words) {
      increase(this.#words, word)
      const pairs = this.#pairs.get(word) ?? new Map<string, number>()
      this.#pairs.set(word, pairs)
      for (const other of beside) increase(pairs, other)
    }
  }

  get all(): number {
    return this.#all
  }

  of(word: string): number {
    return this.#words.get(word) ?? 0
  }

  pairs(word: string): ReadonlyMap<string, number> {
    return this.#pairs.get(word) ?? new Map()
  }

  words(): Iterable<string> {
    return this.#words.keys()
  }
}

/** What captions say of objects, counted caption by caption. */
export class ObjectCounter {
  readonly #mentions = new Map<string, { mentions: number; flagged: number }>()
  /** Truth words with those beside them, and invented nouns that are no truth words with the truth. */
  readonly #there = new PairCounts()
  readonly #invented = new PairCounts()

  add({ judgement, truth }: JudgedCaption): void {
    for (const { noun, verdict } of judgement.nouns) {
      const count = this.#mentions.get(noun) ?? { mentions: 0, flagged: 0 }
      this.#mentions.set(noun, count)
      count.mentions++
      if (verdict === 'hallucinated') count.flagged++
    }
    const there = new Set(truth.truth)
    const flagged = judgement.nouns.filter(({ verdict }) => verdict === 'hallucinated')
    this.#there.add(there, there)
    this.#invented.add(new Set(flagged.map(({ noun }) => noun).filter((noun) => !there.has(noun))), there)
  }

  /** Every noun that counts, those invented most often first. */
  rates(): ObjectRate[] {
    return [...this.#mentions]
      .map(([noun, { mentions, flagged }]) => ({ noun, mentions, flagged, rate: (100 * flagged) / mentions }))
      .sort((a, b) => b.flagged - a.flagged || b.mentions - a.mentions || (a.noun < b.noun ? -1 : 1))
  }

  /**
   * Pairs of an invented noun and a truth word in whose presence it was invented, those with the most inventions first.
   * @param minImages pairs seen in fewer pictures are left out. Default 5.
   */
  coOccurrences(minImages = 5): CoOccurrence[] {
    const [there, invented] = [this.#there, this.#invented]
    return [...invented.words()]
      .flatMap((noun) => {
        const without = there.all - there.of(noun)
        return [...invented.pairs(noun)].map(([word, times]): CoOccurrence => {
          const has = there.of(word) - (there.pairs(word).get(noun) ?? 0)
          return {
            noun,
            beside: word,
            images: has,
            invented: times,
            rate: (100 * times) / has,
            rateElsewhere: (100 * (invented.of(noun) - times)) / Math.max(1, without - has),
          }
        })
      })
      .filter(({ images }) => images >= minImages)
      .sort((a, b) => b.invented - a.invented || b.rate - a.rate || (a.noun < b.noun ? -1 : 1))
  }
}

function increase(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1)
}
