import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  readWitness,
  shortCoverLost,
  witnessFalls,
  witnessMisses,
  witnessTable,
} from '../../bench/quality/witness.ts'
import world from '../../public/models/world.json'
import evaluated from '../../tools/world/results/evaluate-heldout.json'

const readme = readFileSync('README.md', 'utf8')
const [heldout, dev] = [readWitness('heldout'), readWitness('dev')]

test('README tells the witness’s figures as they are committed', () => {
  expect(readme).toContain(witnessTable(heldout))
  expect(readme).toContain(witnessTable(dev))
})

test('README tells what the witness misses', () => {
  expect(readme).toContain(`With the demo's recipe ${witnessFalls(heldout, 'anchored')}`)
  expect(readme).toContain(`with the paper's plain loss ${witnessFalls(heldout, 'plain')}`)
  expect(readme).toContain(`loses ${shortCoverLost(heldout, 'anchored')} points of Cover`)
  expect(readme).toContain(`the plain loss does not beat ${witnessMisses(dev, 'plain')}`)
  expect(readme).toContain(`With 12 answers to choose from ${witnessFalls(dev, 'candidates')}`)
  expect(readme).toContain(`lose ${shortCoverLost(dev, 'candidates')} points of Cover`)
  const pairs = (recipe: string) => dev.find((row) => row.recipe === recipe)?.quality.pairs
  expect(readme).toContain(`leaves ${pairs('absolute')} of ${pairs('plain')} pairs`)
})

describe('the witness’s results', () => {
  test('are of the published weights', () => {
    const published = {
      'emoji-clip': world['models/emoji-clip'].sha256['model.safetensors'],
      'emoji-llava': world['models/emoji-llava'].sha256['model.safetensors'],
    }
    const told = [...heldout, ...dev].flatMap(({ weights }) => (weights ? [weights] : []))
    expect(told.length).toBeGreaterThan(0)
    for (const weights of told) expect(weights).toEqual(published)
  })

  test('all begin with what these weights say', () => {
    const { llava } = evaluated
    for (const { long } of heldout) {
      expect(long.base.chair).toBeCloseTo(llava['greedy long, chair'], 9)
      expect(long.base.cover).toBeCloseTo(llava['greedy long, cover'], 9)
    }
    const known = dev.find(({ weights }) => weights)
    for (const { long, short } of dev)
      expect([long.base, short.base]).toEqual([known?.long.base, known?.short.base])
  })
})

test('a changed result changes what is told of it', () => {
  const worse = heldout.map((row) => ({
    ...row,
    long: { ...row.long, tuned: { ...row.long.tuned, chair: row.long.tuned.chair + 1 }, beatsC: false },
    short: { ...row.short, tuned: { ...row.short.tuned, cover: row.short.tuned.cover - 1 } },
  }))
  expect(witnessTable(worse)).not.toBe(witnessTable(heldout))
  expect(witnessFalls(worse, 'plain')).not.toBe(witnessFalls(heldout, 'plain'))
  expect(shortCoverLost(worse, 'plain')).not.toBe(shortCoverLost(heldout, 'plain'))
  expect(witnessMisses(worse, 'plain')).toBe(
    'control C in seed 0 and control C in seed 1 and control C in seed 2',
  )
})
