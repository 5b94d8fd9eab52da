/**
 * A curve without its noise: the exponential moving average, freed of its start (as in TensorBoard and Adam).
 * @param values a gap (NaN) stays a gap. @param weight of the past, in [0, 1); 0 leaves the curve as it is.
 * @throws {RangeError}
 */
export function smooth(values: readonly number[], weight: number): number[] {
  if (!(weight >= 0 && weight < 1))
    throw new RangeError(`smooth: expected a weight of at least 0 and below 1, got ${weight}`)
  let mean = 0
  let total = 0
  return values.map((value) => {
    if (!Number.isFinite(value)) return Number.NaN
    mean = weight * mean + (1 - weight) * value
    total = weight * total + (1 - weight)
    return mean / total
  })
}
