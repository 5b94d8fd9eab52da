import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { missedTargets } from '../../bench/policy/figures.ts'
import { readReport, replaceSections, withTables } from '../../bench/policy/results.ts'
import { policyTable, stepTable } from '../../bench/policy/tables.ts'

const report = readReport()
const readme = readFileSync('README.md', 'utf8')

/** The report with a figure twice as large. */
function changed(section: string, name: string): typeof report {
  const figures = report.figures.map((figure) =>
    figure.section === section && figure.name === name ? { ...figure, value: 2 * figure.value } : figure,
  )
  return { ...report, figures }
}

test('README’s tables of the policy are those of the committed report, which meets every target', () => {
  expect(readme).toContain(stepTable(report))
  expect(readme).toContain(policyTable(report))
  expect(missedTargets(report.figures)).toEqual([])
})

test('another report’s tables take the place of README’s, and nothing else changes', () => {
  expect(withTables(readme, report)).toBe(readme)
  const other = changed('step', 'step, clip-dpo 4 pairs per image')
  const updated = withTables(readme, other)
  expect(updated).toContain(stepTable(other))
  expect(updated).not.toContain(stepTable(report))
  expect(withTables(updated, report)).toBe(readme)
  expect(policyTable(changed('full', 'training, used'))).not.toBe(policyTable(report))
})

test('a table that README lacks is told, and a figure that the report lacks', () => {
  expect(() => withTables('# Nothing', report)).toThrow(
    'README: expected a table that begins with "| a step of',
  )
  const without = report.figures.filter(({ section }) => section !== 'decode')
  const missing = 'expected the figure "1 answer" of decode'
  expect(() => withTables(readme, { ...report, figures: without })).toThrow(missing)
})

test('a section measured anew takes the place of the kept one, and of another machine all do', () => {
  const other = changed('step', 'step, jax-js wasm')
  const figures = other.figures.filter(({ section }) => section === 'step')
  expect(replaceSections(report, { ...other, figures })).toEqual(other)
  const elsewhere = { ...other, figures, cores: report.cores + 1 }
  expect(replaceSections(report, elsewhere)).toEqual(elsewhere)
})
