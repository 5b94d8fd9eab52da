import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { HELD_OUT, type QualityRow, readResults } from '../../bench/quality/quality.ts'
import { demoMisses, demoSpread, demoTime, negativeControls } from '../../bench/quality/sentences.ts'
import { demoTable, variantTable } from '../../bench/quality/tables.ts'
import type { Estimate } from '../../src/evaluate/bootstrap.ts'

const results = readResults()
const readme = readFileSync('README.md', 'utf8')

/** The first row of a name. */
function rowOf(name: string): QualityRow {
  const row = results.find((one) => one.name === name)
  if (!row) throw new Error(`results: expected ${name}, found none`)
  return row
}

test('README’s figures are those of the committed results', () => {
  expect(readme).toContain(demoTable(results))
  expect(readme).toContain(demoSpread(results))
  expect(readme).toContain(demoMisses(results))
  expect(readme).toContain(demoTime(results) ?? 'on two cores with a software adapter')
  expect(readme).toContain(variantTable(results))
  expect(readme).toContain(negativeControls(results))
})

test('negative controls do not help with any seed', () => {
  const controls = results.filter(({ name }) => name === 'random' || name === 'flipped')
  expect(new Set(controls.map(({ name }) => name)).size).toBe(2)
  for (const { controls: truncated } of controls) {
    expect(truncated?.verdict.helps).toBe(false)
    expect(truncated?.C.tunedMinus.chair.high).toBeGreaterThanOrEqual(0)
  }
})

test('a variant’s row tells its cost, and beats the controls only where both are beaten; what is missing is a dash', () => {
  const demo = rowOf('demo')
  if (!demo.controls) throw new Error('results: expected the demo on dev with its controls, found none')
  const lineOf = (...rows: QualityRow[]) => variantTable(rows).split('\n').at(-1)
  const { cleanLoss: _, ...delta } = demo.delta
  const known = { ...delta, cleanLoss: { value: 6.64, low: 5, high: 8 } }
  const verdict = { ...demo.controls.verdict, beatsC: true, beatsL: true }
  const { C } = demo.controls
  const minus = { ...C.tunedMinus, chair: { value: -3.46, low: -4.79, high: -2.23 } }
  const beaten = {
    ...demo,
    delta: known,
    controls: { ...demo.controls, C: { ...C, tunedMinus: minus }, verdict },
  }
  expect(lineOf(beaten)).toMatch(/ \| 6\.6 \| -3\.5 \[-4\.8, -2\.2\] \| 1 of 1 \|$/)
  const lost = { ...beaten.controls, verdict: { ...verdict, beatsL: false } }
  expect(lineOf({ ...beaten, delta, controls: lost })).toMatch(/ \| – \| -3\.5 [^|]+ \| 0 of 1 \|$/)
  const { controls: __, ...alone } = beaten
  const other = { ...alone, seed: 1, delta: { ...delta, cleanLoss: { value: 8.64, low: 5, high: 12 } } }
  expect(lineOf(beaten, other)).toMatch(/ \| 7\.6 ± 1\.4 \| -3\.5 \[-4\.8, -2\.2\] \/ – \| 1 of 2 \|$/)
})

test('a changed result changes the tables', () => {
  const [first, ...others] = results
  if (!first?.after.chair) throw new Error('results: expected a CHAIR, found none')
  const worse = { ...first.after.chair, value: first.after.chair.value + 1 }
  const changed = [{ ...first, after: { ...first.after, chair: worse } }, ...others]
  expect(demoTable(changed)).not.toBe(demoTable(results))
  expect(demoSpread(changed)).not.toBe(demoSpread(results))
})

describe('told in words', () => {
  const estimate = (value: number, low = value, high = value): Estimate => ({ value, low, high })

  /** The demo with a seed, where CHAIR and Hal fall from 10 to these and yes/no accuracy changes by so much. */
  function demo(seed: number, [chair, hal]: [number, number], change: Estimate): QualityRow {
    const row = rowOf(HELD_OUT)
    if (!row.delta.yesNo) throw new Error('results: expected yes/no accuracy, found none')
    return {
      ...row,
      seed,
      before: { ...row.before, chair: estimate(10), hal: estimate(10) },
      after: { ...row.after, chair: estimate(chair), hal: estimate(hal) },
      delta: { ...row.delta, yesNo: { ...row.delta.yesNo, accuracy: change } },
    }
  }

  test('what the demo misses, seed by seed', () => {
    const reached = demo(0, [5, 4], estimate(0, -0.1, 0.1))
    const unhalved = demo(1, [5.21, 5.19], estimate(0.2, 0.1, 0.3))
    const mistaken = demo(2, [4, 5.1], estimate(-0.16, -0.35, -0.001))
    expect(demoMisses([reached])).toBe(
      'With every seed yes/no accuracy is no lower, and CHAIR and Hal are at least halved.',
    )
    expect(demoMisses([reached, unhalved])).toBe(
      'Asked for and missed: CHAIR and Hal at least halved with every seed (seed 1: CHAIR -47.9%, Hal -48.1%).',
    )
    expect(demoMisses([reached, unhalved, mistaken])).toBe(
      'Asked for and missed: yes/no accuracy no lower than before (points, with seed 2: -0.16 [-0.35, 0.00]), and ' +
        'CHAIR and Hal at least halved with every seed (seed 1: CHAIR -47.9%, Hal -48.1%; seed 2: Hal -49.0%).',
    )
  })

  test('how long the demo takes, once it is known on how many cores', () => {
    const { cores: _, ...row } = rowOf(HELD_OUT)
    const device = row.device && { ...row.device, description: 'A GPU' }
    if (!device) throw new Error('results: expected a device, found none')
    expect(demoTime([{ ...row, seconds: 707 }])).toBeUndefined()
    expect(demoTime([{ ...row, device: { ...device, isSoftware: true }, seconds: 707, cores: 2 }])).toBe(
      'It takes 12 minutes on 2 cores with a software adapter.',
    )
    expect(demoTime([{ ...row, device: { ...device, isSoftware: false }, seconds: 190, cores: 1 }])).toBe(
      'It takes 3 minutes on 1 core with A GPU.',
    )
  })

  test('a negative control that helps', () => {
    const row = rowOf('random')
    if (!row.controls) throw new Error('results: expected controls, found none')
    const { C } = row.controls
    const withChair = (name: string, chair: Estimate): QualityRow => ({
      ...row,
      name,
      ...(row.controls
        ? { controls: { ...row.controls, C: { ...C, tunedMinus: { ...C.tunedMinus, chair } } } }
        : {}),
    })
    const [no, yes] = [estimate(-1, -2, 0), estimate(-1, -2, -0.1)]
    expect(negativeControls([withChair('random', no), withChair('flipped', no)])).toMatch(
      /^Neither negative control helps: .* 0 of 1 seeds with random pairs and in 0 of 1 with flipped ones\.$/,
    )
    expect(
      negativeControls([withChair('random', no), withChair('random', yes), withChair('flipped', no)]),
    ).toMatch(
      /^A negative control helps: .* 1 of 2 seeds with random pairs and in 0 of 1 with flipped ones\.$/,
    )
  })
})
