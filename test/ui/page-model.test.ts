import { afterEach, expect, test } from 'vitest'
import type { RunnerClient } from '../../src/pipeline/runner-client.ts'
import { PageModel } from '../../src/ui/page-model.ts'
import { valueAt } from '../../src/ui/recipe-draft.ts'
import { recipeFragment } from '../../src/ui/recipe-link.ts'

const address = location.href
afterEach(() => history.replaceState(null, '', address))

/** A page whose runner has no runs; a run's id is its recipe. */
function makePage(): PageModel {
  const runner = {
    idOf: async (recipe: unknown) => JSON.stringify(recipe),
    open: async () => undefined,
    watchDamage: async () => undefined,
  }
  return new PageModel(runner as unknown as RunnerClient, 'https://example.org/')
}
const PICTURES = { spec: { folder: { name: 'mine', files: {} } }, label: 'mine, 3 files' }
const FOLDER = { name: 'mine', files: {} }

test('choosing another recipe keeps the pictures and models that were given', async () => {
  const page = makePage()
  await page.open('')
  expect(page.chosen).toBe('demo')
  await page.useModel('policy', FOLDER)
  await page.useModel('clip', 'https://huggingface.co/org/clip/resolve/main')
  await page.give(PICTURES)
  await page.choose('paper')
  expect(page.chosen).toBe('paper')
  expect(page.recipe).toMatchObject({
    name: 'paper, my pictures',
    dataset: { source: 'my pictures' },
    policy: { source: 'my model' },
    clip: { source: 'https://huggingface.co/org/clip/resolve/main' },
    pair: { minGap: 2 },
    train: { peft: { target_modules: 'all-linear' } },
  })
  expect(page.missing).toBe('')
  // Each is given up only when asked to.
  await page.usePagesModels()
  expect(page.recipe).toEqual(page.defaults)
  expect(valueAt(page.recipe, 'dataset.source')).toBe('my pictures')
  await page.give(undefined)
  expect(page.recipe).toMatchObject({ name: 'paper', dataset: { source: 'embedded:emoji-scenes/train' } })
})

test('giving pictures keeps the settings there are, and so does taking them back', async () => {
  const page = makePage()
  await page.choose('smoke')
  const own = {
    ...page.recipe,
    name: 'own',
    seed: 7,
    dataset: { source: 'embedded:emoji-scenes/dev', limit: 5 },
  }
  await page.open(await recipeFragment(own))
  await page.give(PICTURES)
  expect(page.recipe).toMatchObject({ name: 'own, my pictures', seed: 7, dataset: { source: 'my pictures' } })
  await page.give(undefined)
  expect(page.recipe).toEqual(own)
})

test('a link to a recipe that comes with the page shows it as chosen', async () => {
  const [page, linked] = [makePage(), makePage()]
  await page.choose('smoke')
  const link = await page.link()
  expect(link).toMatch(/^https:\/\/example\.org\/#recipe=/)
  await linked.open(new URL(link).hash)
  expect(linked.chosen).toBe('smoke')
  await linked.open(await recipeFragment({ ...page.recipe, seed: 9 }))
  expect(linked.chosen).toBe('')
})
