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

/** Every noun that counts, those invented most often first. */
export function objectRates(captions: readonly JudgedCaption[]): ObjectRate[] {
  const counts = new Map<string, { mentions: number; flagged: number }>()
  for (const { noun, verdict } of captions.flatMap(({ judgement }) => judgement.nouns)) {
    const count = counts.get(noun) ?? { mentions: 0, flagged: 0 }
    count.mentions++
    if (verdict === 'hallucinated') count.flagged++
    counts.set(noun, count)
  }
  return [...counts]
    .map(([noun, { mentions, flagged }]) => ({ noun, mentions, flagged, rate: (100 * flagged) / mentions }))
    .sort((a, b) => b.flagged - a.flagged || b.mentions - a.mentions || (a.noun < b.noun ? -1 : 1))
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

/**
 * Pairs of an invented noun and a truth word in whose presence it was invented, those with the most inventions first.
 * @param minImages pairs seen in fewer pictures are left out. Default 5.
 */
export function coOccurrences(captions: readonly JudgedCaption[], minImages = 5): CoOccurrence[] {
  const rows = captions.map(({ judgement, truth }) => ({
    truth: new Set(truth.truth),
    invented: new Set(
      judgement.nouns.filter(({ verdict }) => verdict === 'hallucinated').map(({ noun }) => noun),
    ),
  }))
  const inventedNouns = new Set(rows.flatMap(({ invented }) => [...invented]))
  return [...inventedNouns]
    .flatMap((noun) => {
      const without = rows.filter(({ truth }) => !truth.has(noun))
      const inventors = without.filter(({ invented }) => invented.has(noun))
      const beside = new Set(inventors.flatMap(({ truth }) => [...truth]))
      return [...beside].map((word): CoOccurrence => {
        const has = without.filter(({ truth }) => truth.has(word)).length
        const invented = inventors.filter(({ truth }) => truth.has(word)).length
        return {
          noun,
          beside: word,
          images: has,
          invented,
          rate: (100 * invented) / has,
          rateElsewhere: (100 * (inventors.length - invented)) / Math.max(1, without.length - has),
        }
      })
    })
    .filter(({ images }) => images >= minImages)
    .sort((a, b) => b.invented - a.invented || b.rate - a.rate || (a.noun < b.noun ? -1 : 1))
}
