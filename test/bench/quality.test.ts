import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readResults } from '../../bench/quality/quality.ts'
import { demoSpread, demoTable, variantTable } from '../../bench/quality/tables.ts'

const results = readResults()
const readme = readFileSync('README.md', 'utf8')

test('README’s figures are those of the committed results', () => {
  expect(readme).toContain(demoTable(results))
  expect(readme).toContain(demoSpread(results))
  expect(readme).toContain(variantTable(results))
})

test('a changed result changes the tables', () => {
  const [first, ...others] = results
  if (!first?.after.chair) throw new Error('results: expected a CHAIR, found none')
  const worse = { ...first.after.chair, value: first.after.chair.value + 1 }
  const changed = [{ ...first, after: { ...first.after, chair: worse } }, ...others]
  expect(demoTable(changed)).not.toBe(demoTable(results))
  expect(demoSpread(changed)).not.toBe(demoSpread(results))
})
