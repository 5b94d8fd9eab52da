import type { Report, Row } from './harness/result.ts'
import type { Figure } from './policy/figures.ts'

/** One figure of the policy's bench as a line. */
export function formatFigure({ section, name, value, unit, note }: Figure): string {
  const number = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(4)
  return `${section.padEnd(10)}${name.padEnd(36)}${number.padStart(10)} ${unit.padEnd(9)}${note ?? ''}`
}

/** The rows of one problem as lines of a table, the fastest first. */
export function formatRows(rows: readonly Row[]): string {
  const first = rows[0]
  if (!first) return ''
  const sorted = rows.toSorted((a, b) => msOf(a) - msOf(b))
  return [`\n${first.name}  ${first.shape}${formatStanding(sorted)}`, ...sorted.map(formatRow)].join('\n')
}

function msOf(row: Row): number {
  return row.ms ?? Number.POSITIVE_INFINITY
}

/** How this project's kernel compares with the fastest other; empty when one of them has no time. */
function formatStanding(rows: readonly Row[]): string {
  const standing = (times: (row: Row) => number | undefined): string | undefined => {
    const own = fastest(rows, times, (row) => row.library === 'clip-dpo')
    const peer = fastest(rows, times, (row) => row.library !== 'clip-dpo')
    return own && peer && `${(peer.ms / own.ms).toFixed(2)}x ${peer.library}`
  }
  const byMedian = standing((row) => row.ms)
  return byMedian ? `: ${byMedian} by median, ${standing((row) => row.bestMs)} by best` : ''
}

function fastest(
  rows: readonly Row[],
  times: (row: Row) => number | undefined,
  include: (row: Row) => boolean,
): { library: string; ms: number } | undefined {
  return rows
    .flatMap((row) => ({ library: row.library, ms: include(row) ? times(row) : undefined }))
    .filter((entry): entry is { library: Row['library']; ms: number } => entry.ms !== undefined)
    .toSorted((a, b) => a.ms - b.ms)[0]
}

function formatRow(row: Row): string {
  const library = `  ${row.library}`.padEnd(18)
  if (row.ms === undefined) return `${library}failed: ${row.failure?.split('\n')[0]}  [${row.how}]`
  return [
    library,
    `${row.ms.toFixed(3)} ms`.padStart(13),
    `best ${row.bestMs?.toFixed(3)}`.padStart(15),
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
