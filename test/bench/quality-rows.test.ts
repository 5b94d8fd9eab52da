import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { figuresOf, HELD_OUT, QUALITY_NAMES, readResults, recipeOf } from '../../bench/quality/quality.ts'
import { jsonHash } from '../../src/pipeline/hash.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { embeddedModels, stageHashes } from '../support/stage-hashes.ts'

/** Rows that tell what they stand on. */
const told = readResults().filter(
  ({ name, seed, recipeHash }) => recipeHash !== undefined || (name === HELD_OUT && seed === 0),
)

test('results stand on the recipes, weights and stages there are; those that do not are to be measured anew', async () => {
  const { policy, clip } = await embeddedModels()
  for (const { name, seed, recipeHash, modelHashes, stageHashes: hashes = {} } of told) {
    const recipe = recipeOf(name, seed)
    expect({ name, seed, recipeHash, modelHashes }).toEqual({
      name,
      seed,
      recipeHash: await jsonHash(parseRecipe(recipe)),
      modelHashes: { policy: policy.sha256, clip: clip.sha256 },
    })
    expect({ name, seed, ...hashes }).toMatchObject({ name, seed, ...(await stageHashes(recipe, hashes)) })
  }
})

test('a new row tells what it stands on', () => {
  const [row] = readResults()
  if (!row) throw new Error('results: expected rows, found none')
  const summary = {
    ...row,
    recipeHash: 'a',
    modelHashes: { policy: 'b', clip: 'c' },
    stages: { caption: { hash: 'd', seconds: 1.7 }, train: { hash: 'e', seconds: 2.6 } },
    verdicts: [],
    funnel: [],
    datasetHash: 'f',
  }
  expect(figuresOf(summary)).toMatchObject({
    after: row.after,
    seconds: 4,
    cores: availableParallelism(),
    recipeHash: 'a',
    modelHashes: { policy: 'b', clip: 'c' },
    stageHashes: { caption: 'd', train: 'e' },
  })
})

test('another recipe, seed or stage is seen', async () => {
  const hash = async (name: string, seed: number) => await jsonHash(parseRecipe(recipeOf(name, seed)))
  const hashes = await Promise.all([...QUALITY_NAMES.map((name) => hash(name, 0)), hash(HELD_OUT, 1)])
  expect(new Set(hashes).size).toBe(QUALITY_NAMES.length + 1)

  const ran = { 'evaluate after': 'a' }
  const { train, ...demo } = await stageHashes(recipeOf('demo', 0), ran)
  const { train: other, ...same } = await stageHashes(recipeOf('sigmoid', 0), ran)
  expect(same).toEqual(demo)
  expect(other).not.toBe(train)
  const { evaluate } = await stageHashes(recipeOf('demo', 0), { 'evaluate after': 'b' })
  expect(evaluate).not.toBe(demo.evaluate)
})

test('the demo’s loss and rate are changed one at a time', () => {
  const { train } = recipeOf('demo', 0)
  expect(recipeOf('sigmoid', 0).train).toEqual({ ...train, loss_type: ['sigmoid'] })
  expect(recipeOf('plain', 0).train).toEqual({ ...train, loss_type: 'sigmoid', learning_rate: 1e-3 })
})
