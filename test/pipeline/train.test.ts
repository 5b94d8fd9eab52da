import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFile } from '../../src/data/folder.ts'
import { readPreferences } from '../../src/data/preference.ts'
import type { PreferencePair } from '../../src/method/candidate.ts'
import { parseRecipe } from '../../src/pipeline/recipe.ts'
import { runStage } from '../../src/pipeline/stage.ts'
import type { PairOutput, PairSummary } from '../../src/pipeline/stages/pair.ts'
import { readSteps } from '../../src/pipeline/stages/step-log.ts'
import { trainStage } from '../../src/pipeline/stages/train.ts'
import type {
  ReadImage,
  StepMetrics,
  TrainEvent,
  TrainJob,
  TrainOutcome,
} from '../../src/workers/policy.api.ts'
import { POLICY, type TestRun, testModels, testPictures, testRun } from '../support/stage.ts'
import { bytesOf, Raw, type TestStore, testStore } from '../support/store.ts'

let files: TestStore
let run: TestRun
beforeEach(async () => {
  files = testStore({ onCorrupt: () => {} })
  run = await testRun(files)
})
afterEach(() => run.close())

const STEPS = 230
const adapter = { 'adapter_config.json': '{}', 'adapter_model.safetensors': new Uint8Array(4) }
const { train } = parseRecipe({
  name: 'test',
  dataset: { source: 'a' },
  policy: { source: 'b' },
  clip: { source: 'c' },
  caption: { prompts: ['Describe this.'] },
  train: {},
  evaluate: { dataset: { source: 'd' } },
})

/** Two pairs of each of so many pictures, in units of two pictures. */
async function pairsOf(images: number): Promise<PairOutput> {
  const spec = { stage: 'pair', kind: 'pairs', version: 1, round: 1, settings: {}, inputs: {} } as const
  return await runStage<PreferencePair[], PairSummary>(run.context, spec, async (units) => {
    for (let unit = 0; unit < images / 2; unit++) {
      const pairs: PreferencePair[] = []
      for (const image of [2 * unit, 2 * unit + 1]) {
        const imageHash = await run.store.images.put(bytesOf(20, image + 1))
        const shared = {
          images: [`${image}.png`],
          imageHash,
          chosenScore: 3,
          rejectedScore: 1,
          gap: 2,
          rule: 'best',
        }
        for (const prompt of ['Describe this.', 'What is it?'])
          pairs.push({ ...shared, prompt, chosen: `A dog ${image}.`, rejected: 'A “cat”\nor two.' })
      }
      await units.put(unit, pairs)
    }
    return { pairs: 2 * images, candidates: 0, funnel: [] }
  })
}

interface Trained {
  readonly job: TrainJob
  readonly readImage: ReadImage
}

/** A trainer that takes its steps, of which every tenth leaves a checkpoint, until it is stopped after one of them. */
function trainer(calls: Trained[], stopAfter = Number.POSITIVE_INFINITY) {
  let isStopped = false
  return testModels({
    async stop() {
      isStopped = true
    },
    async train(job, onEvent: (event: TrainEvent) => void = () => {}, readImage = async () => undefined) {
      calls.push({ job, readImage })
      const checkpoint = job.checkpoint && (await openFile(job.checkpoint))
      const first = checkpoint ? ((await checkpoint.read(0, 1))[0] ?? 0) : 0
      for (let step = first + 1; step <= STEPS; step++) {
        onEvent({
          kind: 'step',
          metrics: { step, loss: 1 / step } as StepMetrics,
          gpuBytes: (step + 1) * 2 ** 20,
        })
        if (step % 10 === 0) onEvent({ kind: 'checkpoint', step, file: Uint8Array.of(step) })
        if (step === stopAfter) run.cancel()
        await new Promise((resolve) => setTimeout(resolve))
        if (isStopped) return outcome('stopped', step)
      }
      return outcome('done', STEPS)
    },
  })
}

function outcome(status: TrainOutcome['status'], step: number): TrainOutcome {
  return { status, step, totalSteps: STEPS, adapter, checkpoint: Uint8Array.of(step) }
}

async function trainOn(pairs: PairOutput, models: ReturnType<typeof trainer>) {
  const watch = { datasets: [await testPictures(run, [])], prompt: 'What?', maxNewTokens: 8 }
  return await trainStage(run.context, models, train, { pairs, policy: POLICY, watch, round: 1 })
}

test('pairs go to the trainer as a file, pictures one by one as it asks for them', async () => {
  const pairs = await pairsOf(4)
  const calls: Trained[] = []
  await trainOn(pairs, trainer(calls))
  const [{ job, readImage }] = calls as [Trained]
  expect(job.images).toBeUndefined()
  expect(job.rows).toBeUndefined()
  const rows = []
  for await (const row of readPreferences(await openFile(job.data as NonNullable<TrainJob['data']>)))
    rows.push(row)
  expect(rows).toHaveLength(8)
  const [first] = rows
  expect(first?.rejected).toEqual([{ role: 'assistant', content: 'A “cat”\nor two.' }])
  const [image] = first?.images ?? []
  const hash = image && 'path' in image ? image.path : ''
  expect(await readImage(hash)).toEqual(bytesOf(20, 1))
  await expect(readImage('f'.repeat(64))).rejects.toMatchObject({ name: 'ImageMissingError' })
})

test('tells after every step what memory is held', async () => {
  await trainOn(await pairsOf(2), trainer([]))
  const told = run.events.flatMap((event) =>
    event.kind === 'progress' && event.unit === 'steps' ? [event.detail] : [],
  )
  expect(told.slice(0, 2)).toEqual(['loss 1.000, 2 MiB of GPU memory', 'loss 0.500, 3 MiB of GPU memory'])
})

test('goes on from its checkpoint, also where figures of steps were damaged, which alone are missing then', async () => {
  const pairs = await pairsOf(2)
  const calls: Trained[] = []
  await expect(trainOn(pairs, trainer(calls, 215))).rejects.toMatchObject({ name: 'AbortError' })
  const hash =
    (await run.store.runs.get('test'))?.stages.find(({ kind }) => kind === 'checkpoints')?.hash ?? ''
  const interrupted = run.store.stage('results', hash)
  expect((await readSteps(interrupted)).length).toBe(215)
  await new Raw(files, 'results').damage([hash, 'unit', 1], 20)

  await run.context.run.close()
  run = await testRun(files)
  const output = await trainOn(pairs, trainer(calls))
  expect(calls[1]?.job.checkpoint).toBeDefined()
  expect(calls[1]?.job.history?.at(-1)?.step).toBe(215)
  const steps = (await readSteps(output.units, true)).map(({ step }) => step)
  expect(steps.slice(0, 101)).toEqual([...Array.from({ length: 100 }, (_, i) => i + 1), 201])
  expect(steps.at(-1)).toBe(STEPS)
})
