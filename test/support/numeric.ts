/** The element at `i`. @throws {RangeError} outside the array: a reference never reads past an end unnoticed. */
export function at(values: ArrayLike<number>, i: number): number {
  const value = values[i]
  if (value === undefined) throw new RangeError(`index ${i} outside 0..${values.length - 1}`)
  return value
}

/** How far two arrays are apart: the largest difference over the reference's root mean square. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) {
    throw new RangeError(`expected ${expected.length} elements, got ${actual.length}`)
  }
  let worst = 0
  let squares = 0
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(at(actual, i) - at(expected, i))
    if (!(difference <= worst)) worst = difference // also keeps NaN
    squares += at(expected, i) ** 2
  }
  return worst / Math.max(Math.sqrt(squares / expected.length), 1e-30)
}

/**
 * Compares an analytic gradient with central differences of `sum(cotangent * f(x))`, in float64.
 * @returns the relative error over at most `samples` elements of x, spread evenly. Default 64.
 */
export function gradientError(
  f: (x: Float64Array) => ArrayLike<number>,
  x: ArrayLike<number>,
  cotangent: ArrayLike<number>,
  gradient: ArrayLike<number>,
  { step = 1e-5, samples = 64 } = {},
): number {
  const loss = (point: Float64Array): number => {
    const y = f(point)
    if (y.length !== cotangent.length)
      throw new RangeError(`expected ${cotangent.length} outputs, got ${y.length}`)
    let total = 0
    for (let i = 0; i < y.length; i++) total += at(y, i) * at(cotangent, i)
    return total
  }
  if (gradient.length !== x.length)
    throw new RangeError(`expected ${x.length} gradients, got ${gradient.length}`)
  const point = Float64Array.from(x)
  const stride = Math.max(1, Math.floor(x.length / samples))
  const numeric: number[] = []
  const analytic: number[] = []
  for (let i = 0; i < x.length; i += stride) {
    const original = at(point, i)
    point[i] = original + step
    const above = loss(point)
    point[i] = original - step
    const below = loss(point)
    point[i] = original
    numeric.push((above - below) / (2 * step))
    analytic.push(at(gradient, i))
  }
  return relativeError(analytic, numeric)
}

/** Cosine of the angle between two vectors. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += at(a, i) * at(b, i)
    aa += at(a, i) ** 2
    bb += at(b, i) ** 2
  }
  return ab / Math.sqrt(aa * bb)
}
