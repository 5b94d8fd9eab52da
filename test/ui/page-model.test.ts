import { afterEach, expect, test } from 'vitest'
import type { ImageDatasetSpec } from '../../src/data/image-dataset.ts'
import type { StoredRun } from '../../src/pipeline/runner.api.ts'
import type { RunnerClient } from '../../src/pipeline/runner-client.ts'
import { PageModel } from '../../src/ui/page-model.ts'
import { pausedRun } from '../../src/ui/paused-run.ts'
import { RecipeAddress } from '../../src/ui/recipe-address.ts'
import { type Json, valueAt } from '../../src/ui/recipe-draft.ts'
import { recipeFragment, recipeLink } from '../../src/ui/recipe-link.ts'

const address = location.href
afterEach(() => {
  history.replaceState(null, '', address)
  pausedRun.forget()
})

/** A page whose runs' ids are their recipes, and how files that were given are named: by their folder. */
function makePage({ stored = undefined as StoredRun | undefined, canRun = true } = {}) {
  const ran: Json[] = []
  const put: unknown[] = []
  const nameOf = (folder: unknown): string => String((folder as { name: string }).name).padEnd(64, '0')
  const runner = {
    idOf: async (recipe: unknown) => JSON.stringify(recipe),
    open: async () => stored,
    run: async (recipe: Json) => void ran.push(recipe),
    pause: async () => undefined,
    watchDamage: async () => undefined,
    modelHash: async (folder: unknown) => nameOf(folder),
    inspectPictures: async ({ folder }: ImageDatasetSpec) => ({
      sha256: nameOf(folder),
      images: 3,
      isWhole: true,
      withTruth: 0,
      heldOutFrom: 0.8,
      heldOut: 1,
    }),
  }
  const addressed = Object.assign(new RecipeAddress(() => {}), {
    put: (recipe: unknown) => put.push(recipe),
  })
  const page = new PageModel(runner as unknown as RunnerClient, 'https://example.org/', {
    canRun: async () => canRun,
    address: addressed,
  })
  return { page, ran, put }
}
const pictures = (name: string) => ({ spec: { folder: { name, files: {} } }, label: `${name}, 3 files` })
const FOLDER = { name: 'abc', files: {} }
const source = (page: PageModel): unknown => valueAt(page.recipe, 'dataset.source')

test('choosing another recipe keeps the pictures and models that were given', async () => {
  const { page } = makePage()
  await page.open('')
  expect(page.chosen).toBe('demo')
  await page.useModel('policy', FOLDER)
  await page.useModel('clip', 'https://huggingface.co/org/clip/resolve/main')
  await page.give(pictures('aaa'))
  await page.choose('paper')
  expect(page.chosen).toBe('paper')
  expect(page.recipe).toMatchObject({
    name: 'paper, my pictures',
    dataset: { source: 'my pictures', share: [0, 0.8] },
    policy: { source: 'my model', sha256: 'abc'.padEnd(64, '0') },
    clip: { source: 'https://huggingface.co/org/clip/resolve/main' },
    pair: { minGap: 2 },
    train: { learning_rate: 1e-5, peft: { target_modules: 'all-linear' } },
    // A model that was not made for emoji scenes is not measured on them.
    evaluate: { dataset: { source: 'my pictures', share: [0.8, 1] } },
  })
  expect(page.missing).toBe('')
  // Each is given up only when asked to.
  await page.usePagesModels()
  expect(page.recipe).toEqual(page.defaults)
  expect(source(page)).toBe('my pictures')
  expect(valueAt(page.recipe, 'evaluate.dataset.source')).toBe('embedded:emoji-scenes/heldout')
  await page.give(undefined)
  expect(page.recipe).toMatchObject({ name: 'paper', dataset: { source: 'embedded:emoji-scenes/train' } })
})

test('giving pictures keeps the settings there are, and so does taking them back', async () => {
  const { page } = makePage()
  await page.choose('smoke')
  const own = {
    ...page.recipe,
    name: 'own',
    seed: 7,
    dataset: { source: 'embedded:emoji-scenes/dev', limit: 5 },
  }
  await page.open(await recipeFragment(own))
  await page.give(pictures('aaa'))
  expect(page.recipe).toMatchObject({ name: 'own, my pictures', seed: 7, dataset: { source: 'my pictures' } })
  await page.give(undefined)
  expect(page.recipe).toEqual(own)
})

test('other pictures and models are another run, and the same ones the same', async () => {
  const { page, ran } = makePage()
  await page.open('')
  await page.give(pictures('aaa'))
  await page.useModel('policy', FOLDER)
  await page.start()
  expect(page.isChanged).toBe(false)
  await page.give(pictures('bbb'))
  expect(page.controller.state.status).toBe('idle') // the first one's run is not shown any more
  await page.start()
  await page.useModel('policy', { name: 'def', files: {} })
  expect(page.isChanged).toBe(true)
  await page.start()
  expect(new Set(ran.map((recipe) => JSON.stringify(recipe))).size).toBe(3)

  // Given again after a reload, they are what the run goes on with.
  const { page: reloaded } = makePage()
  await reloaded.open(await recipeFragment(ran[0]))
  expect(reloaded.missing).toMatch(/^This run is on pictures of your own: choose the same ones again/)
  await reloaded.give(pictures('aaa'))
  expect(reloaded.missing).toMatch(/^This run is with a model of your own: choose its folder again/)
  await reloaded.useModel('policy', FOLDER)
  expect(reloaded.missing).toBe('')
  expect(reloaded.recipe).toEqual(ran[0])
})

test('pictures that are given before the address has been read are taken for what it says', async () => {
  const { page } = makePage()
  await page.choose('smoke')
  const fragment = await recipeFragment({ ...page.recipe, name: 'linked' })
  const { page: opening } = makePage()
  const opened = opening.open(fragment)
  await opening.give(pictures('aaa'))
  await opened
  expect(opening.recipe).toMatchObject({ name: 'linked, my pictures', dataset: { source: 'my pictures' } })
})

test('pictures that cannot be read are told of and leave the recipe as it was', async () => {
  const { page } = makePage()
  await page.open('')
  const before = page.recipe
  page.runner.inspectPictures = () => Promise.reject(new Error('mine: expected a picture'))
  await page.give(pictures('aaa'))
  expect(page.problem).toBe('mine: expected a picture')
  expect(page.recipe).toBe(before)
  expect([page.isLooking, page.own.pictures]).toEqual([false, {}])
})

test('whatever is chosen, given and changed comes into the address', async () => {
  const { page, put } = makePage()
  await page.open('')
  expect(put).toEqual([])
  await page.choose('smoke')
  await page.give(pictures('aaa'))
  await page.useModel('clip', 'org/clip')
  page.change({ ...page.recipe, seed: 3 })
  expect(put).toHaveLength(4)
  expect(put.at(-1)).toBe(page.recipe)
})

test('a run that was broken off goes on by itself, unless it was paused or nothing can be run', async () => {
  const linked = { name: 'linked' }
  const stored = {
    record: { id: JSON.stringify(linked), name: 'linked', recipe: linked, recipeHash: '', createdAt: 0 },
    isOpen: false,
    outputs: [],
  } as unknown as StoredRun
  const broken = { ...stored, record: { ...stored.record, status: 'running' as const } }
  const opened = async (options: { canRun?: boolean } = {}): Promise<Json[]> => {
    const { page, ran } = makePage({ stored: broken, ...options })
    await page.open(await recipeFragment(linked))
    await new Promise((resolve) => setTimeout(resolve, 100))
    return ran
  }
  expect(await opened()).toEqual([linked])
  expect(await opened({ canRun: false })).toEqual([])
  pausedRun.note(broken.record.id)
  expect(await opened()).toEqual([])
})

test('a link to a recipe that comes with the page shows it as chosen', async () => {
  const [{ page }, { page: linked }] = [makePage(), makePage()]
  await page.choose('smoke')
  const link = await recipeLink(page.recipe, 'https://example.org/')
  expect(link).toMatch(/^https:\/\/example\.org\/#recipe=/)
  await linked.open(new URL(link).hash)
  expect(linked.chosen).toBe('smoke')
  await linked.open(await recipeFragment({ ...page.recipe, seed: 9 }))
  expect(linked.chosen).toBe('')
})

test('a recipe that is none is refused before anything is run', async () => {
  const { page, ran } = makePage()
  await page.open('')
  page.runner.idOf = async (recipe) => {
    if (valueAt(recipe, 'seed') === -1) throw new Error('recipe: seed: expected at least 0, got -1')
    return JSON.stringify(recipe)
  }
  page.change({ ...page.recipe, seed: -1 })
  await expect.poll(() => page.missing).toBe('recipe: seed: expected at least 0, got -1')
  await page.start()
  expect(ran).toEqual([])
  page.change({ ...page.recipe, seed: 1 })
  await expect.poll(() => page.missing).toBe('')
  await expect(page.take({ name: 'x', seed: -1 })).rejects.toThrow('seed: expected at least 0')
  expect(page.recipe).toMatchObject({ name: 'demo', seed: 1 })
  await page.take({ name: 'x', seed: 2 })
  expect([page.recipe, page.defaults, page.chosen]).toEqual([
    { name: 'x', seed: 2 },
    { name: 'x', seed: 2 },
    '',
  ])
})
