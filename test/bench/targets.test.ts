import { expect, test } from 'vitest'
import { grownMemory } from '../../bench/dataset.ts'
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

test('many pictures take no more memory than few, all processes together, but for a little', () => {
  const run = (images: number, node: number, renderer: number) => ({
    images,
    seconds: 1,
    peakMiB: { node, renderer },
  })
  expect(grownMemory([run(10_000, 200, 700), run(500, 200, 600)])).toEqual([])
  expect(grownMemory([run(500, 200, 600), run(2_000, 200, 700), run(10_000, 250, 700)])).toEqual([
    '10000 pictures: expected at most 920 MiB, 1.15 times as much as 500 take, got 950',
  ])
  expect(grownMemory([])).toEqual([])
})
