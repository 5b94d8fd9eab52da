import type { FileSpec } from '../../src/data/folder.ts'
import type { PolicyClient } from '../../src/pipeline/client.ts'
import type { RunEvent } from '../../src/pipeline/events.ts'
import type { ModelSource, RunModels } from '../../src/pipeline/models.ts'
import { type CaptionSettings, parseRecipe } from '../../src/pipeline/recipe.ts'
import type { StageContext } from '../../src/pipeline/stage.ts'
import { runStage } from '../../src/pipeline/stage.ts'
import type { DatasetItem, DatasetOutput, DatasetSummary } from '../../src/pipeline/stages/dataset.ts'
import type { MeasuredImage, MeasureOutput } from '../../src/pipeline/stages/measure.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import type { Answer, GenerateJob } from '../../src/workers/policy.api.ts'
import { bytesOf, removeStore, type TestStore, testStore } from './store.ts'

/** A run of its own for one test of a stage. */
export interface TestRun {
  readonly context: StageContext
  readonly store: Store
  readonly events: RunEvent[]
  /** Breaks it off. */
  cancel(): void
  close(): Promise<void>
}

/** @param id of several runs in one store. */
export async function testRun(files: TestStore = testStore(), id = 'test'): Promise<TestRun> {
  const store = openStore(files.options)
  const described = { name: 'test', recipe: {}, recipeHash: '', createdAt: 0, stages: [] }
  const run = await store.runs.open(id, () => ({ ...described, status: 'new' }))
  const events: RunEvent[] = []
  const controller = new AbortController()
  const context = {
    store,
    run,
    signal: controller.signal,
    emit: (event: RunEvent) => events.push(event),
    peakGpuBytes: async () => undefined,
    workTime: () => performance.now(),
  }
  return {
    context,
    store,
    events,
    cancel: () => controller.abort(new DOMException('stopped', 'AbortError')),
    async close() {
      await run.close()
      removeStore(files)
    },
  }
}

/** A data set of pictures that no one looks at, in units of two. @param notes what is said of each. */
export async function testPictures(
  { context, store }: TestRun,
  notes: readonly Pick<DatasetItem, 'captions' | 'truth'>[],
): Promise<DatasetOutput> {
  const spec = { stage: 'dataset', kind: 'datasets', version: 1, round: 1, settings: {}, inputs: {} } as const
  return await runStage<readonly DatasetItem[], DatasetSummary>(context, spec, async (units) => {
    const items = await Promise.all(
      notes.map(async (noted, i): Promise<DatasetItem> => {
        const hash = await store.images.put(bytesOf(20, i + 1))
        return { name: `${i}.png`, hash, type: 'png', width: 1, height: 1, ...noted }
      }),
    )
    for (let i = 0; i < items.length; i += 2) await units.put(i / 2, items.slice(i, i + 2))
    const nothing = { byteLength: 0, captioned: 0, withTruth: 0, skipped: [], duplicates: [] }
    return { ...nothing, images: items.length, hash: 'dataset' }
  })
}

/** What a model said of pictures, in units of two. @param part tells it from what others said. */
export async function testCaptions(
  { context }: TestRun,
  part: string,
  said: readonly Pick<MeasuredImage, 'image' | 'imageHash' | 'caption'>[],
): Promise<MeasureOutput> {
  const place = {
    stage: 'evaluate',
    kind: 'results',
    version: 1,
    round: 0,
    settings: {},
    inputs: {},
  } as const
  return await runStage<MeasuredImage[], { images: number }>(context, { ...place, part }, async (units) => {
    const measured = said.map((one) => ({
      ...one,
      numTokens: 3,
      finishReason: 'stop' as const,
      answers: [],
    }))
    for (let i = 0; i < measured.length; i += 2) await units.put(i / 2, measured.slice(i, i + 2))
    return { images: measured.length }
  })
}

/** Settings of the captions as a recipe has them, one prompt and one draw unless other things are said. */
export function captionSettings(caption: object): CaptionSettings {
  return parseRecipe({
    name: 'test',
    dataset: { source: 'a' },
    policy: { source: 'b' },
    clip: { source: 'c' },
    caption: { prompts: ['Describe this.'], samples: 1, ...caption },
    train: {},
    evaluate: { dataset: { source: 'd' } },
  }).caption
}

export const POLICY: ModelSource = { name: 'policy', folder: { name: 'policy', files: {} }, hash: 'policy' }

/** Models of which there is a policy alone, with some of its methods. */
export function testModels(policy: Partial<PolicyClient>): RunModels {
  const client = policy as PolicyClient
  return {
    policy: async () => client,
    writer: async () => client,
    clip: () => Promise.reject(new Error('expected no use of CLIP')),
    adapter: async ({ hash }) => hash,
    peakGpuBytes: async () => undefined,
    close: () => {},
  }
}

/** What a model might say to one candidate of a request. */
export type Say = (request: {
  /** Name of the first; empty where there is none. */
  readonly image: string
  readonly prompt: string
  readonly context: string | undefined
  readonly candidate: number
}) => Partial<Answer> & { readonly text: string }

/** A model's `generate` that says what it is told to. */
export function saying(say: Say): PolicyClient['generate'] {
  return async ({ requests }: GenerateJob) =>
    requests.flatMap(({ images, prompt, context, candidates = 1 }, request) =>
      Array.from({ length: candidates }, (_, candidate): Answer => {
        const image = (images[0] as Extract<FileSpec, { name: string }> | undefined)?.name ?? ''
        const said = say({ image, prompt: String(prompt), context, candidate })
        const tokens = said.text.split(' ').map((_, i) => i)
        return {
          request,
          candidate,
          whole: (context ?? '') + said.text,
          tokens,
          logprobs: [],
          top: [],
          finishReason: 'stop',
          imageHashes: [],
          ...said,
        }
      }),
    )
}
