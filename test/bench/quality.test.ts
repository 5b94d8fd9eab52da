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

test('a variant’s row tells its cost, and beats the controls only where both are beaten; what is missing is a dash', () => {
  const demo = results.find(({ name }) => name === 'demo')
  if (!demo?.controls) throw new Error('results: expected the demo on dev with its controls, found none')
  const rowOf = (row: typeof demo) => variantTable([row]).split('\n').at(-1)
  const { cleanLoss: _, ...delta } = demo.delta
  const known = { ...delta, cleanLoss: { value: 6.64, low: 5, high: 8 } }
  const verdict = { ...demo.controls.verdict, beatsC: true, beatsL: true }
  const beaten = { ...demo, delta: known, controls: { ...demo.controls, verdict } }
  expect(rowOf(beaten)).toMatch(/ \| 6\.6 \| [-\d.]+ \| 1 of 1 \|$/)
  const lost = { ...demo.controls, verdict: { ...verdict, beatsL: false } }
  expect(rowOf({ ...demo, delta, controls: lost })).toMatch(/ \| – \| [-\d.]+ \| 0 of 1 \|$/)
})

test('a changed result changes the tables', () => {
  const [first, ...others] = results
  if (!first?.after.chair) throw new Error('results: expected a CHAIR, found none')
  const worse = { ...first.after.chair, value: first.after.chair.value + 1 }
  const changed = [{ ...first, after: { ...first.after, chair: worse } }, ...others]
  expect(demoTable(changed)).not.toBe(demoTable(results))
  expect(demoSpread(changed)).not.toBe(demoSpread(results))
})
