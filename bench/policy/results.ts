import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PolicyReport } from '../page.ts'
import { machineOf, policyTable, stepTable } from './tables.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Committed: the whole report, and what README's tables are made of. */
const RESULTS = join(ROOT, 'bench/policy/results.json')
const README = join(ROOT, 'README.md')

/** The committed report. */
export function readReport(): PolicyReport {
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as PolicyReport
}

/** Puts a report's sections in place of the committed ones, then the tables of all into README. @throws {RangeError} as `withTables` does. */
export function keepReport(report: PolicyReport): void {
  const kept = existsSync(RESULTS) ? replaceSections(readReport(), report) : report
  writeFileSync(RESULTS, `${JSON.stringify(kept, null, 2)}\n`)
  writeFileSync(README, withTables(readFileSync(README, 'utf8'), readReport()))
}

/** A report with another's sections in place of its own; the other alone where it is of another machine. */
export function replaceSections(kept: PolicyReport, report: PolicyReport): PolicyReport {
  if (machineOf(kept) !== machineOf(report)) return report
  const of = ({ figures }: PolicyReport, name: string) => figures.filter(({ section }) => section === name)
  const sections = new Set([...kept.figures, ...report.figures].map(({ section }) => section))
  const figures = [...sections].flatMap((name) => {
    const measured = of(report, name)
    return measured.length > 0 ? measured : of(kept, name)
  })
  return { ...report, figures }
}

/**
 * A text with a report's tables in place of those that begin with the same line.
 * @throws {RangeError} where there is none, or the report lacks a figure.
 */
export function withTables(text: string, report: PolicyReport): string {
  return [stepTable(report), policyTable(report)].reduce((whole, table) => {
    const [head = ''] = table.split('\n')
    const start = whole.indexOf(head)
    if (start < 0) throw new RangeError(`README: expected a table that begins with "${head}", found none`)
    const end = whole.indexOf('\n\n', start)
    return whole.slice(0, start) + table + (end < 0 ? '' : whole.slice(end))
  }, text)
}
