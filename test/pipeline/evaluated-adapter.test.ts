import { afterEach, beforeEach, expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import { readEvaluations } from '../../src/pipeline/compare.ts'
import { evaluatedAdapter } from '../../src/pipeline/evaluated-adapter.ts'
import { parseRecipe, recipeJson } from '../../src/pipeline/recipe.ts'
import { runId } from '../../src/pipeline/run.ts'
import { noteOutput } from '../../src/pipeline/run-notes.ts'
import { runStage } from '../../src/pipeline/stage.ts'
import type { TrainSummary, TrainUnit } from '../../src/pipeline/stages/train.ts'
import { stateUnit } from '../../src/pipeline/stages/watch.ts'
import { withAdapter } from '../../src/ui/recipe-draft.ts'
import { type TestRun, testRun } from '../support/stage.ts'
import { bytesOf } from '../support/store.ts'

let run: TestRun
beforeEach(async () => {
  run = await testRun()
})
afterEach(() => run.close())

const files = (fill: number) => ({
  'adapter_config.json': '{}',
  'adapter_model.safetensors': bytesOf(8, fill),
})

/** A training that was looked at after these steps, the adapter of the last of which is the finished one. */
async function training(round: number, steps: readonly number[]) {
  const spec = {
    stage: 'train',
    kind: 'results',
    version: 1,
    round,
    settings: { steps },
    inputs: {},
  } as const
  return await runStage<TrainUnit, TrainSummary>(run.context, spec, async (units) => {
    for (const step of steps) await units.put(stateUnit(step), files(step))
    const states = [0, ...steps, 99].map((step) => ({ step, answers: [], isKept: step !== 99 }))
    await units.put('watched', { prompt: '', pictures: [], states })
    await units.put('adapter', files(steps.at(-1) ?? 0))
    return { steps: steps.at(-1) ?? 0, pairs: 1, adapterHash: '' }
  })
}

test('a run is evaluated with its finished adapter, or with the one its recipe names', async () => {
  const trainings = [await training(1, [4, 8]), await training(2, [5, 10])]
  const bytes = async (after?: { round: number; step: number }) =>
    (await evaluatedAdapter(trainings, after)).files['adapter_model.safetensors']
  expect(await bytes()).toEqual(bytesOf(8, 10))
  expect(await bytes({ round: 1, step: 4 })).toEqual(bytesOf(8, 4))
  expect(await bytes({ round: 2, step: 5 })).toEqual(bytesOf(8, 5))
  const hash = async (after?: { round: number; step: number }) =>
    (await evaluatedAdapter(trainings, after)).hash
  expect(await hash({ round: 2, step: 10 })).toBe(await hash())
  await expect(bytes({ round: 1, step: 5 })).rejects.toThrow(
    /after step 5 of round 1: expected one that was kept \(after 4, 8\), found none/,
  )
  await expect(bytes({ round: 3, step: 5 })).rejects.toThrow(/round 3: .*\(after no step\)/)
})

test('evaluations of one training’s adapters are found by their recipes, whatever they are called', async () => {
  const { store } = run
  const figures = { before: {}, after: {}, delta: {}, images: 1 }
  const put = async (json: object, isDone = true): Promise<string> => {
    const recipe = parseRecipe(json)
    const id = await runId(recipe)
    const described = {
      name: recipe.name,
      recipe: recipeJson(recipe),
      recipeHash: '',
      createdAt: 0,
      stages: [],
    }
    const opened = await store.runs.open(id, () => ({ ...described, status: isDone ? 'done' : 'stopped' }))
    const units = await opened.stage('results', id)
    await units.finish({ summary: { evaluation: figures }, seconds: 1 })
    await noteOutput(opened, { stage: 'evaluate', round: 0, kind: 'results', hash: id })
    await opened.close()
    return id
  }
  const at = (step: number) => withAdapter(tiny, { round: 1, step })
  const finished = await put(tiny)
  const second = await put(at(2))
  const first = await put(at(1))
  await put(at(3), false)
  await put({ ...at(1), seed: 5 })
  const renamed = withAdapter(withAdapter(tiny, { round: 1, step: 2 }), { round: 1, step: 4 })
  expect(renamed.name).toBe('tiny, after step 4')
  const last = await put(renamed)
  for (const id of [finished, first])
    expect((await readEvaluations(store, id)).map((one) => one.id)).toEqual([first, second, last, finished])
  const again = await put({ ...tiny, name: 'again' })
  const ids = async (id: string) => (await readEvaluations(store, id)).map((one) => one.id)
  expect(await ids(again)).toEqual([first, second, last, again]) // each adapter once
  expect(await ids(finished)).toEqual([first, second, last, finished])
  expect(await ids('nothing')).toEqual([])
})
