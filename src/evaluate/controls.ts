import { philox4x32, uniformOf } from '../method/random.ts'
import { countWords, sentences } from '../method/sentences.ts'

/** Shortening alone lowers hallucination: these controls shorten a base model's captions without any training. */

/** A caption of which only the first sentences are left. */
function firstSentences(caption: string, count: number): string {
  return sentences(caption).slice(0, count).join(' ')
}

/**
 * Control L: every base caption is cut at the sentence end nearest to the tuned captions' mean length; of two equally near,
 * the shorter. At least one sentence stays.
 * @param meanWords the tuned captions' mean length in words.
 */
export function truncateToLength(baseCaptions: readonly string[], meanWords: number): string[] {
  return baseCaptions.map((caption) => {
    const cuts = sentences(caption).map((_, i) => firstSentences(caption, i + 1))
    const distance = (cut: string): number => Math.abs(countWords(cut) - meanWords)
    return cuts.reduce((best, cut) => (distance(cut) < distance(best) ? cut : best), cuts[0] ?? caption)
  })
}

/** A caption without its last sentence; a caption of one sentence stays as it is. */
export function withoutLastSentence(caption: string): string {
  const count = sentences(caption).length
  return count > 1 ? firstSentences(caption, count - 1) : caption
}

/** A corpus's cover with its base captions, with all of them cut, and the cover to be matched. */
export interface CoverToMatch {
  base: number
  cut: number
  target: number
}

/**
 * The probability of cutting a caption that makes the mean cover meet the target: cover falls linearly with it.
 * @returns a number in [0, 1]: 0 where the target is not below the base, 1 where it is not above the cut.
 */
export function cutProbability({ base, cut, target }: CoverToMatch): number {
  if (target >= base) return 0
  return cut >= target ? 1 : (base - target) / (base - cut)
}

/**
 * Control C: for each image a seeded coin keeps the base caption or drops its last sentence.
 * @param probability of dropping; see `cutProbability`.
 */
export function mixWithCut(baseCaptions: readonly string[], probability: number, seed: number): string[] {
  return baseCaptions.map((caption, image) => {
    const [word] = philox4x32([image, 0, 0, 0], [seed, PURPOSE])
    return uniformOf(word) < probability ? withoutLastSentence(caption) : caption
  })
}

/** Marks the generator's use for the control's coin. */
const PURPOSE = 0x636f_696e
