import { describe, expect, test } from 'vitest'
import demo from '../../recipes/demo.json'
import { pinnedRecipe } from '../../src/pipeline/pinned-recipe.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import type { RunOutput } from '../../src/pipeline/run.ts'

const hash = (digit: string): string => digit.repeat(64)
const set = (name: string, sourceHash?: string) =>
  ({ name, dataset: { summary: sourceHash === undefined ? {} : { sourceHash } } }) as unknown

test('a run’s recipe says on which models and pictures it ran, and is the same otherwise', () => {
  const recipe = parseRecipe(demo)
  const output = {
    recipe,
    models: { policy: hash('a'), clip: hash('b') },
    dataset: { summary: { sourceHash: hash('c') } },
    measured: [set('', hash('d')), set('zero-shot ')],
  } as unknown as RunOutput
  const pinned = JSON.parse(JSON.stringify(pinnedRecipe(output))) as typeof demo
  expect(pinned).toMatchObject({
    policy: { ...demo.policy, sha256: hash('a') },
    clip: { ...demo.clip, sha256: hash('b') },
    dataset: { ...demo.dataset, sha256: hash('c') },
    evaluate: { dataset: { ...demo.evaluate.dataset, sha256: hash('d') } },
  })
  expect(pinned.evaluate.zero_shot).not.toHaveProperty('sha256')
  const { policy: _, clip: __, dataset: ___, evaluate, ...rest } = parseRecipe(pinned)
  const { policy: ____, clip: _____, dataset: ______, evaluate: before, ...same } = recipe
  expect(rest).toEqual(same)
  expect({ ...evaluate, dataset: before.dataset }).toEqual(before)
})

describe('models that write beside the policy', () => {
  const recipe = parseRecipe({
    ...demo,
    captioners: [{ source: 'a' }, { source: 'b', weights: 'f16' }],
    caption: { ...demo.caption, questions: { perImage: 3, writer: { source: 'w', temperature: 1 } } },
  })
  const pinned = (others: Partial<RunOutput['models']>) => {
    const models = { policy: hash('a'), clip: hash('b'), ...others }
    const output = { recipe, models, measured: [] } as unknown as RunOutput
    return parseRecipe(JSON.parse(JSON.stringify(pinnedRecipe(output))))
  }

  test('are pinned, each in its place', () => {
    const { captioners, caption } = pinned({ captioners: [hash('c'), hash('d')], writer: hash('e') })
    expect(captioners).toEqual([
      { source: 'a', sha256: hash('c') },
      { source: 'b', weights: 'f16', sha256: hash('d') },
    ])
    const { questions, ...captions } = recipe.caption
    const writer = { ...questions?.writer, sha256: hash('e') }
    expect(caption).toEqual({ ...captions, questions: { ...questions, writer } })
  })

  test('stay as they are where their hashes were not kept', () => {
    const { captioners, caption } = pinned({})
    expect({ captioners, caption }).toEqual({ captioners: recipe.captioners, caption: recipe.caption })
  })
})
