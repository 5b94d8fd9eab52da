/** One training example with several continuations: a prefix every segment sees, then the segments one after the other. */
export interface Pack {
  /** Rows of the prefix; 0 for none. */
  prefixLength: number
  /** Rows of each segment. */
  segmentLengths: readonly number[]
}

/** Who sees whom in one attention call, as the tables `Attention` takes, and where each row stands in its text. */
export interface AttentionLayout {
  queryRows: number
  keyRows: number
  /** prefixStart, prefixEnd, ownStart, ownEnd by query row: the two intervals of key rows it sees. */
  ranges: Uint32Array<ArrayBuffer> // (queryRows, 4)
  /** First and last + 1 query row that sees a key row; 0, 0 where none does. */
  queryRanges: Uint32Array<ArrayBuffer> // (keyRows, 2)
  /** Position in its text, for RoPE; in a pack every segment continues from the prefix. */
  positions: Uint32Array<ArrayBuffer> // (queryRows)
  /** Pairs of a query row and a key row it sees. */
  pairs: number
}

/**
 * Packs laid out one after the other: a prefix row sees its prefix up to itself; a segment's row sees its pack's whole
 * prefix and its own segment up to itself.
 * @throws {RangeError} for a length that is not a whole number from 0.
 */
export function packedLayout(packs: readonly Pack[]): AttentionLayout {
  const ranges: number[] = []
  const positions: number[] = []
  for (const { prefixLength, segmentLengths } of packs) {
    const packStart = positions.length
    const prefixEnd = packStart + checked(prefixLength)
    for (let row = packStart; row < prefixEnd; row++) {
      ranges.push(0, 0, packStart, row + 1)
      positions.push(row - packStart)
    }
    for (const segmentLength of segmentLengths) {
      const start = positions.length
      const prefix = prefixLength > 0 ? [packStart, prefixEnd] : [0, 0]
      for (let row = start; row < start + checked(segmentLength); row++) {
        ranges.push(...(prefix as [number, number]), start, row + 1)
        positions.push(prefixLength + row - start)
      }
    }
  }
  return layout(ranges, positions)
}

/** Sequences laid out one after the other, each row seeing its own sequence up to itself. */
export function causalLayout(lengths: readonly number[]): AttentionLayout {
  return packedLayout(lengths.map((prefixLength) => ({ prefixLength, segmentLengths: [] })))
}

/** Sequences (the patches of images, say) laid out one after the other, each row seeing the whole of its own. */
export function fullLayout(lengths: readonly number[]): AttentionLayout {
  const ranges: number[] = []
  const positions: number[] = []
  for (const length of lengths) {
    const start = positions.length
    for (let i = 0; i < checked(length); i++) {
      ranges.push(0, 0, start, start + length)
      positions.push(i)
    }
  }
  return layout(ranges, positions)
}

/** The query rows that see each key row, as the smallest interval that holds them all: (keyRows, 2), 0 and 0 where none does. */
export function queryRangesOf(ranges: ArrayLike<number>, keyRows: number): Uint32Array<ArrayBuffer> {
  const queryRows = ranges.length / 4
  const result = new Uint32Array(2 * keyRows)
  const ascending = firstVisits(ranges, keyRows, queryRows, (i) => i)
  const descending = firstVisits(ranges, keyRows, queryRows, (i) => queryRows - 1 - i)
  for (let key = 0; key < keyRows; key++) {
    const first = ascending[key] ?? -1
    if (first < 0) continue
    result[2 * key] = first
    result[2 * key + 1] = (descending[key] ?? -1) + 1
  }
  return result
}

/** The first query row, in the given order, that sees each key row; -1 for none. Near-linear: a seen key is skipped later. */
function firstVisits(
  ranges: ArrayLike<number>,
  keyRows: number,
  queryRows: number,
  order: (i: number) => number,
): Int32Array {
  const visits = new Int32Array(keyRows).fill(-1)
  const next = Uint32Array.from({ length: keyRows + 1 }, (_, key) => key) // the next unseen key, by path halving
  const unseenFrom = (start: number): number => {
    let key = start
    for (let after = next[key] ?? key; after !== key; after = next[key] ?? key) {
      next[key] = next[after] ?? after
      key = next[key] ?? after
    }
    return key
  }
  for (let i = 0; i < queryRows; i++) {
    const query = order(i)
    for (const side of [0, 2]) {
      const end = Math.min(ranges[4 * query + side + 1] ?? 0, keyRows)
      const start = ranges[4 * query + side] ?? 0
      for (let key = start < end ? unseenFrom(start) : end; key < end; key = unseenFrom(key)) {
        visits[key] = query
        next[key] = key + 1
      }
    }
  }
  return visits
}

function layout(ranges: readonly number[], positions: readonly number[]): AttentionLayout {
  const rows = positions.length
  let pairs = 0
  for (let i = 0; i < ranges.length; i += 2) pairs += (ranges[i + 1] ?? 0) - (ranges[i] ?? 0)
  return {
    queryRows: rows,
    keyRows: rows,
    ranges: Uint32Array.from(ranges),
    queryRanges: queryRangesOf(ranges, rows),
    positions: Uint32Array.from(positions),
    pairs,
  }
}

function checked(length: number): number {
  if (!Number.isInteger(length) || length < 0)
    throw new RangeError(`packing: expected a length from 0, got ${length}`)
  return length
}
