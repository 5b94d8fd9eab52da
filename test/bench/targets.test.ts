import { expect, test } from 'vitest'
import { missedTargets } from '../../bench/policy/figures.ts'

test('a figure misses its target below the least, above the most, or where it could not be measured', () => {
  const figure = (value: number, target?: { atLeast?: number; atMost?: number }) => ({
    section: 'step',
    name: 'times',
    value,
    unit: 'x',
    ...(target ? { target } : {}),
  })
  const bounds = { atLeast: 0.9, atMost: 1.1 }
  expect(
    missedTargets([figure(-5), figure(2, { atLeast: 2 }), figure(1, bounds), figure(0, { atMost: 0 })]),
  ).toEqual([])
  expect(
    missedTargets([figure(1.9, { atLeast: 2 }), figure(1.2, bounds), figure(Number.NaN, { atMost: 1 })]),
  ).toEqual([
    'step: times: expected at least 2 x, got 1.9',
    'step: times: expected at least 0.9 and at most 1.1 x, got 1.2',
    'step: times: expected at most 1 x, got NaN',
  ])
})
