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
  options: BootstrapOptions,
): Estimate {
  return bootstrapTable(groups, { value: statistic }, options).value
}

/**
 * Several figures with their intervals from the same resamples of images, each computed from the sums of one or more groups
 * of counts: the same images under different models. A resample in which a figure is not finite, such as one without any image
 * that it was measured on, says nothing of it and is left out.
 * @throws {RangeError} without images, and unless all groups have the same images.
 */
export function bootstrapTable<K extends string>(
  groups: readonly Counts[],
  statistics: Readonly<Record<K, (sums: readonly Float64Array[]) => number>>,
  { samples = 2000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Record<K, Estimate> {
  const images = groups[0]?.length ?? 0
  if (images === 0) throw new RangeError('bootstrap: expected at least one image, got none')
  for (const { length } of groups) {
    if (length !== images)
      throw new RangeError(`bootstrap: expected the same images, got ${images} and ${length}`)
  }
  const sumsOf = weigher(groups)
  const names = Object.keys(statistics) as K[]
  const values = names.map(() => new Float64Array(samples))
  for (let sample = 0; sample < samples; sample++) {
    const times = new Float64Array(images)
    for (let draw = 0; draw < images; draw += 4) {
      for (const word of philox4x32([draw >>> 2, sample, 0, 0], [seed, PURPOSE]).slice(0, images - draw)) {
        const image = Math.floor((word / 2 ** 32) * images)
        times[image] = (times[image] as number) + 1
      }
    }
    const sums = sumsOf(times)
    names.forEach((name, i) => {
      ;(values[i] as Float64Array)[sample] = statistics[name](sums)
    })
  }
  const whole = sumsOf(new Float64Array(images).fill(1))
  const tail = (1 - level) / 2
  const entries = names.map((name, i): [K, Estimate] => {
    const value = statistics[name](whole)
    const sorted = (values[i] as Float64Array).filter(Number.isFinite).sort()
    if (sorted.length === 0) return [name, { value, low: value, high: value }]
    return [name, { value, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) }]
  })
  return Object.fromEntries(entries) as Record<K, Estimate>
}

/** Sums each group's counts over the images, an image as often as it is drawn. */
function weigher(groups: readonly Counts[]): (times: Float64Array) => Float64Array[] {
  const widths = groups.map((counts) => counts[0]?.length ?? 0)
  const width = widths.reduce((sum, own) => sum + own, 0)
  const images = groups[0]?.length ?? 0
  const rows = new Float64Array(images * width)
  for (let image = 0; image < images; image++) {
    rows.set(
      groups.flatMap((counts) => counts[image] ?? []),
      image * width,
    )
  }
  return (times) => {
    const sums = new Float64Array(width)
    for (let image = 0; image < images; image++) {
      const weight = times[image] as number
      if (weight === 0) continue
      const start = image * width
      for (let i = 0; i < width; i++) sums[i] = (sums[i] as number) + weight * (rows[start + i] as number)
    }
    let start = 0
    return widths.map((own) => {
      start += own
      return sums.subarray(start - own, start)
    })
  }
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
