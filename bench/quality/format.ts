import type { Estimate } from '../../src/evaluate/bootstrap.ts'

/** A row of a Markdown table. */
export function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |')
}

/** What stands between a table's head and its rows. */
export function rule(columns: number): string {
  return `|${'---|'.repeat(columns)}`
}

/** "1.9 ± 0.3", the spread being the standard deviation; a single value alone, and equal ones. */
export function meanAndSpread(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const spread = values.length > 1 ? Math.sqrt(variance).toFixed(digits) : '0'
  const text = withoutMinusZero(mean.toFixed(digits))
  return Number(spread) === 0 ? text : `${text} ± ${spread}`
}

/** "-3.5 [-4.4, -2.7]": a change and its 95% interval. */
export function interval({ value, low, high }: Estimate, digits = 1): string {
  return `${signed(value, digits)} [${[low, high].map((end) => withoutMinusZero(end.toFixed(digits))).join(', ')}]`
}

/** A change, whose plus is written as well. */
export function signed(value: number, digits = 1): string {
  const text = value.toFixed(digits)
  return Number(text) > 0 ? `+${text}` : withoutMinusZero(text)
}

function withoutMinusZero(text: string): string {
  return Number(text) === 0 ? text.replace('-', '') : text
}
