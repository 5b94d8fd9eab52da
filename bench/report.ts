import type { Report, Row } from './harness/result.ts'

/** The rows of one problem as lines of a table, the fastest first. */
export function formatRows(rows: readonly Row[]): string {
  const first = rows[0]
  if (!first) return ''
  const sorted = rows.toSorted(
    (a, b) => (a.ms ?? Number.POSITIVE_INFINITY) - (b.ms ?? Number.POSITIVE_INFINITY),
  )
  return [`\n${first.name}  ${first.shape}`, ...sorted.map(formatRow)].join('\n')
}

function formatRow(row: Row): string {
  const library = `  ${row.library}`.padEnd(18)
  if (row.ms === undefined) return `${library}failed: ${row.failure?.split('\n')[0]}  [${row.how}]`
  return [
    library,
    `${row.ms.toFixed(3)} ms`.padStart(13),
    `${row.gflops?.toFixed(2)} GFLOP/s`.padStart(17),
    `${row.gbPerSecond?.toFixed(2)} GB/s`.padStart(13),
    `${(100 * (row.shareOfCeiling ?? 0)).toFixed(1)}%`.padStart(8),
    `  error ${row.error?.toExponential(0)}  [${row.how}]`,
  ].join('')
}

/** What the adapter is and can do at most. */
export function formatCeilings({ adapter, ceilings }: Pick<Report, 'adapter' | 'ceilings'>): string {
  const kind = adapter.isSoftware ? 'software' : 'hardware'
  return (
    `\n${adapter.vendor} ${adapter.architecture} ${adapter.description} (${kind}): multiply-add peak ` +
    `${ceilings.gflops.toFixed(1)} GFLOP/s, copy ${ceilings.gbPerSecond.toFixed(1)} GB/s`
  )
}
