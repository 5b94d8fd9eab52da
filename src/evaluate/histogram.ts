/** Series counted in the same bins, so that they can be laid over each other. */
export interface Histogram<K extends string = string> {
  /** Lower edge of the first bin, which lies in it; a bin's upper edge lies in the next. */
  readonly start: number
  readonly width: number
  readonly series: Readonly<Record<K, HistogramSeries>>
}

export interface HistogramSeries {
  /** How many values fell into each bin. */
  readonly counts: readonly number[]
  readonly count: number
  /** To the width of a counting bin, 1/16; undefined without values. */
  readonly median?: number
}

/** Values are counted in bins of this width, a power of two so that sums of edges are exact. */
const FINE = 1 / 16

/** Counts numbers in narrow bins: memory depends on their range, not on how many there are. */
export class BinCounter {
  readonly #bins = new Map<number, number>()
  #count = 0

  /** @throws {RangeError} for what is no finite number. */
  add(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`histogram: expected a finite number, got ${value}`)
    const bin = Math.floor(value / FINE)
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1)
    this.#count++
  }

  get count(): number {
    return this.#count
  }

  /** Narrow bins with values and how many, in order; bin i begins at i / 16. */
  bins(): [bin: number, count: number][] {
    return [...this.#bins].sort(([a], [b]) => a - b)
  }
}

/**
 * What was counted, in common bins of the least width (a power of two) of which no more than `most` are needed.
 * @param most at least 2, since values on both sides of zero never share a bin. Default 32.
 * @returns undefined where nothing was counted. @throws {RangeError}
 */
export function histogramOf<K extends string>(
  counters: Readonly<Record<K, BinCounter>>,
  most = 32,
): Histogram<K> | undefined {
  if (!(most >= 2)) throw new RangeError(`histogram: expected at least 2 bins, got ${most}`)
  const names = Object.keys(counters) as K[]
  const found = new Map(names.map((name) => [name, counters[name].bins()]))
  const ends = [...found.values()].flatMap((bins) => [bins[0], bins.at(-1)].flatMap((end) => end?.[0] ?? []))
  if (ends.length === 0) return undefined
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  let merged = 1 // narrow bins in a bin
  while (Math.floor(high / merged) - Math.floor(low / merged) >= most) merged *= 2
  const first = Math.floor(low / merged)
  const length = Math.floor(high / merged) - first + 1
  const series = names.map((name): [K, HistogramSeries] => {
    const counts = new Array<number>(length).fill(0)
    const bins = found.get(name) ?? []
    for (const [bin, count] of bins) {
      const place = Math.floor(bin / merged) - first
      counts[place] = (counts[place] ?? 0) + count
    }
    const { count } = counters[name]
    const median = medianOf(bins, count)
    return [name, { counts, count, ...(median === undefined ? {} : { median }) }]
  })
  return {
    start: first * merged * FINE,
    width: merged * FINE,
    series: Object.fromEntries(series) as Record<K, HistogramSeries>,
  }
}

/** The middle of the narrow bin that holds the middle value. */
function medianOf(
  bins: readonly (readonly [bin: number, count: number])[],
  count: number,
): number | undefined {
  let passed = 0
  for (const [bin, own] of bins) {
    passed += own
    if (2 * passed >= count) return (bin + 0.5) * FINE
  }
  return undefined
}
