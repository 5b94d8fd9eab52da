import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LoraMatrices, parseLoraConfig, writeAdapter } from '../../src/data/peft.ts'
import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import type { TrainEvent, TrainerSettings, TrainJob } from '../../src/workers/policy.api.ts'
import golden from '../goldens/dpo-trainer/golden.json'
import { goldenBlob, goldenFolder, goldenTensors } from '../support/goldens.ts'
import { CONFIG, NO_IMAGES, openTrainingPolicy, type TrainingPolicy } from '../support/training.ts'
import { expectTrlLog } from '../support/trl.ts'

let policy: PolicyClient
let job: TrainingPolicy['job']
let train: TrainingPolicy['train']

beforeAll(async () => {
  const opened = await openTrainingPolicy()
  ;({ policy, job, train } = opened)
  expect(opened.info.architecture).toBe('LlavaForConditionalGeneration')
  const last = opened.progress.at(-1)
  expect(last).toMatchObject({ done: last?.total })
})
afterAll(() => policy.close())

function mapBlobs(files: Readonly<Record<string, BlobPart>>): Record<string, Blob> {
  return Object.fromEntries(Object.entries(files).map(([name, part]) => [name, new Blob([part])]))
}

describe('ten steps of TRL’s DPOTrainer, from images and texts', () => {
  test('give the same figures', async () => {
    const { peft, ...settings } = golden.config
    const config = settings as TrainerSettings
    const tensors = await goldenTensors('dpo-trainer/golden.safetensors')
    const layers = new Map<string, LoraMatrices<Float32Array>>()
    for (const [name, loraA] of tensors) {
      const [, path] = /^init\.base_model\.model\.(.+)\.lora_A\.weight$/.exec(name) ?? []
      const loraB = tensors.get(name.replace('lora_A', 'lora_B'))
      if (path && loraB) layers.set(path, { loraA, loraB })
    }
    const written = writeAdapter(parseLoraConfig(peft), layers)
    const adapter = {
      name: 'init',
      files: mapBlobs(written),
    }
    const names = Array.from({ length: 12 }, (_, i) => `images/${i}.png`)
    const data = { name: 'pairs.jsonl', blob: await goldenBlob('dpo-trainer/pairs.jsonl') }
    const events: TrainEvent[] = []
    const outcome = await policy.train(
      { data, images: await goldenFolder('dpo-trainer', names), config, adapter, shuffle: false },
      (event) => events.push(event),
    )
    expect(outcome.status).toBe('done')
    const steps = events.flatMap((event) => (event.kind === 'step' ? [event.metrics] : []))
    expectTrlLog(steps, golden.log, golden.config.beta)
  })
})

describe('answers', () => {
  test('grow while they are written, and follow from seed, prompt and candidate alone', async () => {
    const request = { images: [], prompt: '<s> is the dog near :', candidates: 3, seed: 5 }
    const lengths: number[] = []
    const settings = { temperature: 1, maxNewTokens: 9 }
    const alone = await policy.generate({ requests: [request], ...settings }, ([answer]) => {
      lengths.push(answer?.tokens.length ?? 0)
    })
    expect(lengths.length).toBeGreaterThan(0)
    expect(alone.map(({ candidate }) => candidate)).toEqual([0, 1, 2])
    const other = { ...request, prompt: '<s> describe the picture :' }
    const together = await policy.generate({ requests: [other, request], ...settings })
    expect(together.slice(3)).toEqual(alone.map((answer) => ({ ...answer, request: 1 })))
    for (const { tokens, logprobs, text } of alone) {
      expect(logprobs).toHaveLength(tokens.length)
      expect(text.length).toBeGreaterThan(0)
    }
  })
})

describe('errors keep their name and message', () => {
  test.each([
    ['a wrong setting', { config: { betta: 1 } }, 'TrainerConfigError', 'betta: no such setting'],
    ['peft and adapter', { adapter: NO_IMAGES }, 'Error', 'expected peft or adapter, got both'],
    ['a wrong adapter', { peft: { r: 0 } }, 'AdapterError', 'r: expected >=1'],
    [
      'no pairs',
      { data: { name: 'e.jsonl', blob: new Blob(['']) } },
      'DataError',
      'e.jsonl: expected at least one pair',
    ],
    [
      'a missing image',
      {
        data: {
          name: 'e.jsonl',
          blob: new Blob(['{"images":["a.png"],"prompt":"a","chosen":"a","rejected":"a"}']),
        },
      },
      'DataError',
      'e.jsonl: line 1: expected an image file a.png beside the dataset, found none',
    ],
    [
      'an empty answer',
      { data: undefined, rows: [{ images: [], prompt: '<s> is', chosen: 'a </s>', rejected: '' }] },
      'DataError',
      'rows: row 0: rejected: expected an answer of at least one token, got none',
    ],
    [
      'prompts that fill max_length',
      { config: { ...CONFIG, max_length: 3 } },
      'DataError',
      'expected prompts shorter than max_length (3 tokens), got none in 24 rows',
    ],
    [
      'a sequence longer than the model',
      {
        data: undefined,
        rows: [{ prompt: '<s> is', chosen: 'a dog '.repeat(40), rejected: 'a' }],
        config: { ...CONFIG, max_length: null },
      },
      'DataError',
      'rows: row 0: expected at most 64 tokens',
    ],
    [
      'images where the first row has no column for them',
      {
        data: undefined,
        rows: [
          { prompt: 'a', chosen: 'a', rejected: 'a' },
          { images: ['a.png'], prompt: 'a', chosen: 'a', rejected: 'a' },
        ],
      },
      'DataError',
      'rows: row 1: expected no images, since the first row has no such column, got 1',
    ],
  ])('%s', async (_, change, name, message) => {
    const error: unknown = await train(change as Partial<TrainJob>).catch((e: unknown) => e)
    expect(error).toMatchObject({ name, message: expect.stringContaining(message) })
  })

  test('an unknown adapter', async () => {
    await expect(policy.logps({ data: job.data, images: NO_IMAGES, adapter: 'x' })).rejects.toThrow(
      'expected one of the resident adapters',
    )
  })

  test('a worker that is closed', async () => {
    const other = openPolicy()
    const loading = other.load(NO_IMAGES)
    other.close()
    await expect(loading).rejects.toMatchObject({ name: 'WorkerError', message: 'the worker was closed' })
  })
})
