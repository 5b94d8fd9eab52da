import { philox4x32 } from '../method/random.ts'

/** A figure with its interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

export interface BootstrapOptions {
  /** Resamples. Default 2000. */
  samples?: number
  /** Share of the resamples inside the interval. Default 0.95. */
  level?: number
  /** Default 0. */
  seed?: number
}

/** What each image adds to the sums a statistic is computed from, such as `amberCounts`. */
export type Counts = readonly (readonly number[])[] // (images, counts)

/** A figure from sums over images. */
export type Statistic = (sums: Float64Array) => number

/**
 * A figure with its percentile bootstrap interval over images (Efron 1979).
 * @throws {RangeError} without images.
 */
export function bootstrap(counts: Counts, statistic: Statistic, options: BootstrapOptions = {}): Estimate {
  return estimate([counts], ([sums]) => statistic(sums as Float64Array), options)
}

/**
 * The difference `after - before` of a figure, both measured on the same images: every resample takes both of an image.
 * @throws {RangeError} unless both have the same images.
 */
export function pairedBootstrap(
  before: Counts,
  after: Counts,
  statistic: Statistic,
  options: BootstrapOptions = {},
): Estimate {
  if (before.length !== after.length) {
    throw new RangeError(
      `bootstrap: expected the same images, got ${before.length} before and ${after.length} after`,
    )
  }
  return estimate(
    [before, after],
    ([b, a]) => statistic(a as Float64Array) - statistic(b as Float64Array),
    options,
  )
}

function estimate(
  groups: readonly Counts[],
  statistic: (sums: readonly Float64Array[]) => number,
  { samples = 2000, level = 0.95, seed = 0 }: BootstrapOptions,
): Estimate {
  const images = groups[0]?.length ?? 0
  if (images === 0) throw new RangeError('bootstrap: expected at least one image, got none')
  const sum = (take: (draw: number) => number): number => {
    const sums = groups.map((counts) => new Float64Array(counts[0]?.length ?? 0))
    for (let draw = 0; draw < images; draw++) {
      const image = take(draw)
      groups.forEach((counts, g) => {
        counts[image]?.forEach((count, c) => {
          const total = sums[g] as Float64Array
          total[c] = (total[c] as number) + count
        })
      })
    }
    return statistic(sums)
  }
  const values = Float64Array.from({ length: samples }, (_, sample) => {
    let words: readonly number[] = []
    return sum((draw) => {
      if (draw % 4 === 0) words = philox4x32([draw >>> 2, sample, 0, 0], [seed, PURPOSE])
      return Math.floor(((words[draw % 4] as number) / 2 ** 32) * images)
    })
  }).sort()
  const tail = (1 - level) / 2
  return { value: sum((draw) => draw), low: quantile(values, tail), high: quantile(values, 1 - tail) }
}

/** Marks the generator's use for resampling. */
const PURPOSE = 0x626f_6f74

/** Linear interpolation between order statistics. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (place - Math.floor(place)) * (above - below)
}
