import { afterEach, beforeEach, expect, test } from 'vitest'
import tiny from '../../recipes/tiny.json'
import type { RunEvent } from '../../src/pipeline/events.ts'
import { PauseSwitch } from '../../src/pipeline/pause.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { type RunOutput, runId, runRecipe } from '../../src/pipeline/run.ts'
import { Shelf } from '../../src/store/shelf.ts'
import { openStore } from '../../src/store/store.ts'
import { removeStore, type TestStore, testStore } from '../support/store.ts'

const RECIPE = parseRecipe({
  ...tiny,
  dataset: { ...tiny.dataset, limit: 20 }, // a unit of 16 and one of 4
  caption: { ...tiny.caption, samples: 1, max_new_tokens: 24 },
  train: { ...tiny.train, per_device_train_batch_size: 2, max_steps: 6, num_train_epochs: 6 },
  evaluate: {
    ...tiny.evaluate,
    dataset: { ...tiny.evaluate.dataset, limit: 2 },
    max_new_tokens: 24,
    clean_captions: 0,
  },
})

/** How many requests each call for answers had. */
let generated: number[]
let stores: TestStore[]
const RealWorker = globalThis.Worker
const channel = new BroadcastChannel('lose-device')
const loseDevice = (): void => channel.postMessage('now')

/** Policies run in a worker whose device can be lost. */
beforeEach(() => {
  generated = []
  stores = []
  const losable = new URL('../support/losable-policy.worker.ts', import.meta.url)
  globalThis.Worker = class extends RealWorker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(options?.name === 'policy' ? losable : url, options)
    }

    override postMessage(message: unknown, ...rest: never[]): void {
      const { path, argumentList } = message as {
        path?: string[]
        argumentList?: { value?: { requests?: unknown[] } }[]
      }
      if (path?.[0] === 'generate') generated.push(argumentList?.[0]?.value?.requests?.length ?? 0)
      super.postMessage(message, ...rest)
    }
  }
})
afterEach(() => {
  globalThis.Worker = RealWorker
  stores.forEach(removeStore)
})

function place() {
  const files = testStore()
  stores.push(files)
  const store = openStore(files.options)
  const run = (emit: (event: RunEvent) => void = () => {}, pause = new PauseSwitch()): Promise<RunOutput> => {
    generated.length = 0
    return runRecipe(RECIPE, { store, sources: { site: `${location.origin}/` }, emit, pause })
  }
  const record = async () => await store.runs.get(await runId(RECIPE))
  return { files, run, record }
}

async function results({ rounds: [round], adapter, evaluation }: RunOutput): Promise<unknown> {
  const captions = []
  for await (const [, unit] of round?.captions.units.units() ?? []) captions.push(...unit)
  return { captions, adapter: adapter.hash, evaluation: evaluation.summary }
}

test('a run whose GPU device is lost stops, loses at most what was under way, and comes to the same in the end', {
  timeout: 600_000,
}, async () => {
  const expected = await results(await place().run())

  const { files, run, record } = place()
  const inCaption = run((event) => {
    if (event.kind === 'progress' && event.stage === 'caption' && event.done === 16) loseDevice()
  })
  await expect(inCaption).rejects.toMatchObject({ name: 'DeviceLostError' })
  expect(generated).toEqual([16, 4])
  expect(await record()).toMatchObject({
    status: 'stopped',
    notes: { error: expect.stringMatching(/device/) },
  })

  const pause = new PauseSwitch()
  const checkpoints = new Shelf('checkpoints', files.options)
  const lastStep = async () => (await checkpoints.keys()).at(-1)?.[2] ?? 0
  const inTraining = run((event) => {
    if (event.kind !== 'step' || event.metrics.step !== 3) return
    pause.pause() // it can come to no end before its device is lost
    void expect
      .poll(lastStep, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(2)
      .then(loseDevice, loseDevice)
      .then(() => pause.resume())
  }, pause)
  await expect(inTraining).rejects.toMatchObject({ name: 'DeviceLostError' })
  expect(generated[0]).toBe(4) // what was written about the first 16 is kept
  const kept = Number(await lastStep())
  expect(kept).toBeGreaterThanOrEqual(2)

  const steps: number[] = []
  const output = await run((event) => {
    if (event.kind === 'step') steps.push(event.metrics.step)
  })
  expect(steps).toEqual([1, 2, 3, 4, 5, 6].slice(kept))
  expect(await results(output)).toEqual(expected)
  expect((await record())?.status).toBe('done')
})
