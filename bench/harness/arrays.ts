import type { Random } from '../../test/support/random.ts'
import type { HostTensor } from './problem.ts'

/** A few rows of a matrix, spread from first to last: enough to tell a right result from a wrong one. */
export function sampleRows(rows: number, count = 4): number[] {
  const picked = Array.from({ length: Math.min(rows, count) }, (_, i) =>
    Math.floor((i * (rows - 1)) / Math.max(1, Math.min(rows, count) - 1)),
  )
  return [...new Set(picked)]
}

/** The given rows of a row-major matrix, one after another. */
export function takeRows(data: ArrayLike<number>, cols: number, rows: readonly number[]): Float64Array {
  const taken = new Float64Array(rows.length * cols)
  rows.forEach((row, i) => {
    for (let c = 0; c < cols; c++) taken[i * cols + c] = data[row * cols + c] ?? Number.NaN
  })
  return taken
}

/** A tensor with its axes in another order, as `numpy.transpose`. */
export function permute({ data, shape }: HostTensor, axes: readonly number[]): HostTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1))
  const newShape = axes.map((axis) => shape[axis] ?? 0)
  const newStrides = axes.map((axis) => strides[axis] ?? 0)
  const result = new Float32Array(data.length)
  const place = axes.map(() => 0)
  for (let i = 0; i < result.length; i++) {
    result[i] = data[place.reduce((sum, n, axis) => sum + n * (newStrides[axis] ?? 0), 0)] ?? Number.NaN
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const next = (place[axis] ?? 0) + 1
      place[axis] = next % (newShape[axis] ?? 1)
      if (place[axis] !== 0) break
    }
  }
  return { data: result, shape: newShape }
}

/** Applies `f` to every value of a record. */
export function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  f: (value: A, key: K) => B,
): Record<K, B> {
  const pairs = (Object.entries(record) as [K, A][]).map(([key, value]) => [key, f(value, key)])
  return Object.fromEntries(pairs) as Record<K, B>
}

/** As `mapValues`, one after another. */
export async function mapValuesAsync<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  f: (value: A, key: K) => Promise<B>,
): Promise<Record<K, B>> {
  const result: Partial<Record<K, B>> = {}
  for (const key of Object.keys(record) as K[]) result[key] = await f(record[key], key)
  return result as Record<K, B>
}

/** Uniform numbers in [-limit, limit): cheaper than normal ones where there are tens of millions. */
export function uniforms(random: Random, length: number, limit: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) values[i] = limit * (2 * random.uniform() - 1)
  return values
}

/** A function that computes its value when first asked, and keeps it. */
export function lazy<T>(compute: () => T): () => T {
  let kept: { value: T } | undefined
  return () => {
    kept ??= { value: compute() }
    return kept.value
  }
}
