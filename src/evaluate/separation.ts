/** How well a score tells two kinds apart, such as images with writing from images without. */
export interface Separation {
  /** Probability that one of the first kind scores above one of the second, ties half: the area under the ROC curve. */
  readonly auc: number
  /** The score above which most are told apart rightly: sensitivity plus specificity is largest (Youden). */
  readonly threshold: number
  /** Shares at that threshold, in percent. */
  readonly sensitivity: number
  readonly specificity: number
}

/** @throws {RangeError} unless there are scores of both kinds. */
export function separation(positives: readonly number[], negatives: readonly number[]): Separation {
  if (positives.length === 0 || negatives.length === 0) {
    throw new RangeError(
      `separation: expected scores of both kinds, got ${positives.length} and ${negatives.length}`,
    )
  }
  const levels = [...new Set([...positives, ...negatives])].sort((a, b) => a - b)
  const share = (scores: readonly number[], test: (score: number) => boolean): number =>
    scores.filter(test).length / scores.length
  let auc = 0
  for (const level of levels) {
    const own = share(negatives, (score) => score === level)
    auc +=
      own * (share(positives, (score) => score > level) + share(positives, (score) => score === level) / 2)
  }
  const cuts = levels.map((level, i) => (level + (levels[i + 1] ?? level)) / 2)
  const at = (threshold: number) => ({
    threshold,
    sensitivity: 100 * share(positives, (score) => score > threshold),
    specificity: 100 * share(negatives, (score) => score <= threshold),
  })
  const best = cuts
    .map(at)
    .reduce((a, b) => (b.sensitivity + b.specificity > a.sensitivity + a.specificity ? b : a))
  return { auc, ...best }
}
