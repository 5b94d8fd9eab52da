/** What a classification by similarity gives. */
export interface ZeroShot {
  /** Share of the texts or images whose nearest class is the right one, in percent. */
  readonly top1: number
  readonly isRight: readonly boolean[]
  /** Counts: row the true class, column the nearest one. */
  readonly confusion: readonly (readonly number[])[] // (classes, classes)
}

/**
 * Zero-shot classification: each item belongs to the class whose name is nearest, the first among equals. The items are captions,
 * compared with class names by CLIP's text tower, or images, which are the ceiling.
 * @param similarities (items, classes) @param truth each item's class, an index.
 * @throws {RangeError} without items, and where a row or a class does not fit.
 */
export function zeroShot(similarities: readonly ArrayLike<number>[], truth: readonly number[]): ZeroShot {
  const classes = similarities[0]?.length ?? 0
  if (similarities.length === 0) throw new RangeError('zero-shot: expected at least one item, got none')
  if (similarities.length !== truth.length) {
    throw new RangeError(
      `zero-shot: expected a class for each of ${similarities.length} items, got ${truth.length}`,
    )
  }
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  const isRight = similarities.map((row, item) => {
    if (row.length !== classes) {
      throw new RangeError(`zero-shot: expected ${classes} similarities of item ${item}, got ${row.length}`)
    }
    const own = truth[item] as number
    const counts = confusion[own]
    if (!counts)
      throw new RangeError(`zero-shot: expected a class below ${classes} for item ${item}, got ${own}`)
    const nearest = indexOfLargest(row)
    counts[nearest] = (counts[nearest] ?? 0) + 1
    return nearest === own
  })
  return { top1: (100 * isRight.filter(Boolean).length) / isRight.length, isRight, confusion }
}

function indexOfLargest(row: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if ((row[i] as number) > (row[best] as number)) best = i
  return best
}
