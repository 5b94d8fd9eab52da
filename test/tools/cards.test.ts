import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import world from '../../public/models/world.json'
import figures from '../../tools/world/results/evaluate-heldout.json'
import training from '../../tools/world/results/training.json'

const read = (path: string): string => readFileSync(path, 'utf8')
const weightsOf = (model: 'emoji-clip' | 'emoji-llava'): string =>
  world[`models/${model}`].sha256['model.safetensors']

describe.each([
  ['emoji-clip', figures.clip, training.clip],
  ['emoji-llava', figures.llava, training.llava],
] as const)('the card of %s', (model, measured, trained) => {
  const card = read(`public/models/${model}/README.md`)

  test('tells the figures that were measured, of the weights that lie beside it', () => {
    expect(figures.weights[model]).toBe(weightsOf(model))
    expect(card).toContain(weightsOf(model))
    const rows = Object.entries(measured).map(([name, value]) => {
      return `| ${name} | ${value.toFixed(value <= 1 ? 3 : 1)} |`
    })
    expect(rows.filter((row) => !card.includes(row))).toEqual([])
  })

  test('tells how long it was trained', () => {
    expect(card).toContain(`${trained.steps.toLocaleString('en')} steps of ${trained.batch} pictures`)
  })

  test('says of every figure that misses what was to be reached why, and of no other', () => {
    const missed = [
      ...card.matchAll(/^\| (.+) \| ([\d.]+) \| (?:at least ([\d.]+)|([\d.]+) to ([\d.]+)) \|$/gm),
    ]
      .filter(([, , value, least, low, high]) => {
        return Number(value) < Number(least ?? low) || Number(value) > Number(high ?? Infinity)
      })
      .map(([, name]) => name)
    expect(missed).toEqual(
      model === 'emoji-clip'
        ? []
        : ['greedy long, cover', 'greedy long, hal', 'greedy short, cover', 'yes-rate'],
    )
  })
})

test('the page of captions is of these weights, forty of them', () => {
  const page = read('tools/world/results/captions.md')
  expect(page).toContain(weightsOf('emoji-llava'))
  const rows = page.split('\n').filter((line) => /^\| \d/.test(line))
  expect(rows).toHaveLength(40)
})

test('what was checked before the freeze is told of these weights', () => {
  const checked = read('tools/world/results/check.txt')
  for (const model of ['emoji-clip', 'emoji-llava'] as const)
    expect(checked).toContain(`${model} ${weightsOf(model)}`)
})
