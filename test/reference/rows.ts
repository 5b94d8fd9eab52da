import { at } from '../support/numeric.ts'

/** `y[i] = x[index[i]]` in float64, zeros where the index is no row; x: (rows, cols). */
export function gather(x: ArrayLike<number>, index: ArrayLike<number>, cols: number): Float64Array {
  return splice(x, index, new Float64Array(index.length * cols), cols)
}

/** `y[i] = x[index[i]]`, the row of `y` where the index is no row. */
export function splice(
  x: ArrayLike<number>,
  index: ArrayLike<number>,
  y: ArrayLike<number>,
  cols: number,
): Float64Array {
  const rows = x.length / cols
  return Float64Array.from(y, (old, i) => {
    const row = at(index, Math.floor(i / cols))
    return row < rows ? at(x, row * cols + (i % cols)) : old
  })
}

/** `y[index[i]] = x[i]`, other rows as in `y`. */
export function scatter(
  x: ArrayLike<number>,
  index: ArrayLike<number>,
  y: ArrayLike<number>,
  cols: number,
): Float64Array {
  const result = Float64Array.from(y)
  for (let i = 0; i < x.length; i++) {
    const row = at(index, Math.floor(i / cols))
    if (row < result.length / cols) result[row * cols + (i % cols)] = at(x, i)
  }
  return result
}

/** `y[index[i]] += x[i]`, from zeros. */
export function scatterAdd(
  x: ArrayLike<number>,
  index: ArrayLike<number>,
  rows: number,
  cols: number,
): Float64Array {
  const result = new Float64Array(rows * cols)
  for (let i = 0; i < x.length; i++) {
    const row = at(index, Math.floor(i / cols))
    if (row < rows) result[row * cols + (i % cols)] = at(result, row * cols + (i % cols)) + at(x, i)
  }
  return result
}
