/**
 * How well a score tells two kinds apart: the area under the receiver operating characteristic, which is the chance that one of
 * the positives scores above one of the negatives, ties counting half (Mann-Whitney's U over the number of pairs).
 * @returns 0.5 for a score that says nothing, 1 for one that always puts positives higher.
 * @throws {RangeError} when either kind is missing or a score is no number.
 */
export function rocAuc(positives: ArrayLike<number>, negatives: ArrayLike<number>): number {
  let wins = 0
  let negativesBelow = 0
  for (const { positive, negative } of tiers(positives, negatives)) {
    wins += positive * (negativesBelow + negative / 2)
    negativesBelow += negative
  }
  return wins / (positives.length * negatives.length)
}

/** A threshold above which a score is taken for a positive, and what it does to the scores it was chosen by. */
export interface Threshold {
  readonly threshold: number
  /** Positives above it, of all positives. */
  readonly truePositiveRate: number
  /** Negatives above it, of all negatives. */
  readonly falsePositiveRate: number
}

/**
 * The threshold with the largest difference between the rate of true and of false positives (Youden's J), halfway between
 * two scores; of equally good ones the highest, so that less is taken for positive.
 * @throws {RangeError} as `rocAuc`.
 */
export function bestThreshold(positives: ArrayLike<number>, negatives: ArrayLike<number>): Threshold {
  const ascending = tiers(positives, negatives)
  const highest = ascending.at(-1)?.score ?? 0
  let best: Threshold = { threshold: highest, truePositiveRate: 0, falsePositiveRate: 0 }
  let [above, falseAbove] = [0, 0]
  for (let i = ascending.length - 1; i > 0; i--) {
    const [tier, next] = [ascending[i] as Tier, ascending[i - 1] as Tier]
    above += tier.positive
    falseAbove += tier.negative
    const truePositiveRate = above / positives.length
    const falsePositiveRate = falseAbove / negatives.length
    if (truePositiveRate - falsePositiveRate > best.truePositiveRate - best.falsePositiveRate)
      best = { threshold: (tier.score + next.score) / 2, truePositiveRate, falsePositiveRate }
  }
  return best
}

/** How many of each kind have one score. */
interface Tier {
  readonly score: number
  positive: number
  negative: number
}

/** All scores that occur, ascending. */
function tiers(positives: ArrayLike<number>, negatives: ArrayLike<number>): Tier[] {
  if (positives.length === 0 || negatives.length === 0) {
    throw new RangeError(
      `expected scores of both kinds, got ${positives.length} positives and ${negatives.length} negatives`,
    )
  }
  const byScore = new Map<number, Tier>()
  const count = (scores: ArrayLike<number>, kind: 'positive' | 'negative'): void => {
    for (const score of Array.from(scores)) {
      if (Number.isNaN(score)) throw new RangeError(`expected a number for each ${kind}, got NaN`)
      const tier = byScore.get(score) ?? { score, positive: 0, negative: 0 }
      tier[kind]++
      byScore.set(score, tier)
    }
  }
  count(positives, 'positive')
  count(negatives, 'negative')
  return [...byScore.values()].sort((a, b) => a.score - b.score)
}
