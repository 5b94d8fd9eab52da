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

/** How many of a caption's truth words are mentioned, and how many there are. */
export interface CaptionCover {
  readonly covered: number
  readonly truth: number
}

/**
 * The probability of dropping the last sentence, by `mixWithCut` and its coins, at which the mean Cover comes nearest to the
 * target: cutting a caption never covers more.
 * @param base of the captions as they are. @param cut of the same captions without their last sentences.
 * @param target Cover in percent. @param seed the one to mix with.
 * @returns a number in [0, 1]: 0 where the target is not below the base's Cover, 1 where it is below the cut ones'.
 * @throws {RangeError} unless both have the same captions.
 */
export function cutProbability(
  base: readonly CaptionCover[],
  cut: readonly CaptionCover[],
  target: number,
  seed: number,
): number {
  if (base.length !== cut.length) {
    throw new RangeError(
      `control C: expected the same captions, got ${base.length} whole and ${cut.length} cut`,
    )
  }
  const order = base.map((_, image) => ({ image, coin: coinOf(image, seed) })).sort((a, b) => a.coin - b.coin)
  const truth = base.reduce((sum, caption) => sum + caption.truth, 0)
  let covered = base.reduce((sum, caption) => sum + caption.covered, 0)
  const distance = (): number => Math.abs((100 * covered) / Math.max(1, truth) - target)
  let [best, nearest] = [0, distance()]
  order.forEach(({ image }, i) => {
    covered += (cut[image]?.covered ?? 0) - (base[image]?.covered ?? 0)
    if (distance() >= nearest) return
    nearest = distance()
    best = order[i + 1]?.coin ?? 1 // coins below the next one's fall to be cut
  })
  return best
}

/**
 * Control C: for each image a seeded coin keeps the base caption or drops its last sentence.
 * @param probability of dropping; see `cutProbability`.
 */
export function mixWithCut(baseCaptions: readonly string[], probability: number, seed: number): string[] {
  return baseCaptions.map((caption, image) =>
    coinOf(image, seed) < probability ? withoutLastSentence(caption) : caption,
  )
}

/** In [0, 1). */
function coinOf(image: number, seed: number): number {
  const [word] = philox4x32([image, 0, 0, 0], [seed, PURPOSE])
  return uniformOf(word)
}

/** Marks the generator's use for the control's coin. */
const PURPOSE = 0x636f_696e
