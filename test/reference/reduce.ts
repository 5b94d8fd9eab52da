import { at } from '../support/numeric.ts'

/** Row and column reductions in float64; see `src/kernels/reduce.ts`. x: (x.length / cols, cols). */
export function reduce(
  x: ArrayLike<number>,
  cols: number,
): { rowSum: Float64Array; rowMean: Float64Array; rowMax: Float64Array; columnSum: Float64Array } {
  const rows = x.length / cols
  const rowSum = new Float64Array(rows)
  const rowMax = new Float64Array(rows)
  const columnSum = new Float64Array(cols)
  for (let r = 0; r < rows; r++) {
    rowMax[r] = at(x, r * cols)
    for (let c = 0; c < cols; c++) {
      const value = at(x, r * cols + c)
      rowSum[r] = at(rowSum, r) + value
      rowMax[r] = Math.max(at(rowMax, r), value)
      columnSum[c] = at(columnSum, c) + value
    }
  }
  return { rowSum, rowMean: rowSum.map((sum) => sum / cols), rowMax, columnSum }
}
