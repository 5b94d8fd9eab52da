import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { FileSpec, FolderSpec } from '../../src/data/folder.ts'
import { type LoraMatrices, parseLoraConfig, readAdapterWeights, writeAdapter } from '../../src/data/peft.ts'
import { readSafetensorsHeader } from '../../src/data/safetensors.ts'
import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import type { TrainEvent, TrainerSettings, TrainJob } from '../../src/workers/policy.api.ts'
import golden from '../goldens/dpo-trainer/golden.json'
import { goldenBlob, goldenFolder, goldenTensors } from '../support/goldens.ts'
import { openGoldenPolicy } from '../support/policy.ts'
import { expectTrlLog } from '../support/trl.ts'

const PEFT = { r: 4, lora_alpha: 8, target_modules: 'all-linear' }
const CONFIG: TrainerSettings = {
  beta: 0.2,
  learning_rate: 5e-3,
  lr_scheduler_type: 'cosine',
  per_device_train_batch_size: 2,
  gradient_accumulation_steps: 2,
  max_steps: 8,
  seed: 23,
}

const images: FolderSpec = { name: 'none', files: {} }
let policy: PolicyClient
let pairs: FileSpec
let job: TrainJob

function mapBlobs(files: Readonly<Record<string, BlobPart>>): Record<string, Blob> {
  return Object.fromEntries(Object.entries(files).map(([name, part]) => [name, new Blob([part])]))
}

/** The golden's pairs without their images. */
async function textPairs(): Promise<FileSpec> {
  const rows = (await (await goldenBlob('dpo-trainer/pairs.jsonl')).text()).trim().split('\n')
  const texts = rows.map((row) => {
    const { images: _, prompt, ...answers } = JSON.parse(row) as Record<string, string>
    return JSON.stringify({ prompt: prompt?.replace('<image> ', ''), ...answers })
  })
  return { name: 'pairs.jsonl', blob: new Blob([texts.join('\n')]) }
}

beforeAll(async () => {
  const opened = await openGoldenPolicy()
  policy = opened.policy
  expect(opened.info.architecture).toBe('LlavaForConditionalGeneration')
  const last = opened.progress.at(-1)
  expect(last).toMatchObject({ done: last?.total })
  pairs = await textPairs()
  job = { data: pairs, images, config: CONFIG, peft: PEFT, shuffle: false }
})

afterAll(() => policy.close())

/** Trains and collects what happens. */
async function train(change: Partial<TrainJob> = {}, during: (event: TrainEvent) => void = () => {}) {
  const events: TrainEvent[] = []
  const outcome = await policy.train({ ...job, ...change }, (event) => {
    events.push(event)
    during(event)
  })
  const steps = events.flatMap((event) => (event.kind === 'step' ? [event.metrics] : []))
  return { outcome, events, steps }
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

describe('training through the worker', () => {
  test('tells what it does, step by step, and gives an adapter that loads again', async () => {
    const { outcome, events, steps } = await train()
    expect(outcome).toMatchObject({ status: 'done', step: 8, totalSteps: 8 })
    expect(events.findLast(({ kind }) => kind === 'pairs')).toEqual({ kind: 'pairs', done: 24, dropped: 0 })
    expect(events.find(({ kind }) => kind === 'start')).toMatchObject({
      step: 0,
      totalSteps: 8,
      pairsPerStep: 4,
    })
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(steps[0]?.loss).toBeCloseTo(Math.LN2, 6)
    expect(steps.at(-1)?.loss).toBeLessThan(0.6)
    const weights = new Blob([outcome.adapter['adapter_model.safetensors']])
    const layers = await readAdapterWeights(blobSource(weights, 'adapter'))
    expect(layers.size).toBe(14)

    const files = {
      'adapter_config.json': new Blob([outcome.adapter['adapter_config.json']]),
      'adapter_model.safetensors': weights,
    }
    await policy.loadAdapter('again', { name: 'again', files })
    const completions = {
      name: 'c.jsonl',
      blob: new Blob(['{"prompt": "<s> is the dog", "completion": "near a </s>"}']),
    }
    const logp = async (adapter?: string) =>
      (await policy.logps({ data: completions, images, ...(adapter ? { adapter } : {}) }))[0]?.logp
    expect(await logp('again')).toBe(await logp('training'))
    expect(await logp('again')).not.toBe(await logp())
  })

  test('is watched on its way without a bit of it being changed', async () => {
    const alone = await train()
    const watch = { requests: [{ images: [], prompt: '<s> is the dog' }], times: 3, maxNewTokens: 6 }
    const { outcome, events, steps } = await train({ watch })
    expect(steps).toEqual(alone.steps)
    expect(outcome.adapter).toEqual(alone.outcome.adapter)
    const watched = events.flatMap((event) => (event.kind === 'watched' ? [event] : []))
    expect(watched.map(({ step }) => step)).toEqual([0, 3, 5, 8])
    // As the model itself before, and as the finished adapter after.
    const answer = async (adapter?: string) =>
      (
        await policy.generate({
          requests: watch.requests,
          maxNewTokens: watch.maxNewTokens,
          ...(adapter ? { adapter } : {}),
        })
      )[0]?.text
    expect(watched[0]?.answers).toEqual([await answer()])
    expect(watched.at(-1)?.answers).toEqual([await answer('training')])
    expect(watched.at(-1)?.adapter).toEqual(outcome.adapter)
    expect(watched[1]?.adapter).not.toEqual(outcome.adapter)
  })

  test('leaves out rows whose prompt alone fills max_length, and says how many', async () => {
    const short = { images: [], prompt: '<s> is', chosen: 'a dog </s>', rejected: 'the cat </s>' }
    const rows = [short, { ...short, prompt: `<s> ${'is '.repeat(9)}` }, short]
    const config = { ...CONFIG, max_length: 8, max_steps: 1 }
    const { events } = await train({ data: undefined as never, rows, config })
    expect(events.findLast(({ kind }) => kind === 'pairs')).toEqual({ kind: 'pairs', done: 2, dropped: 1 })
  })

  test('weighs each pair’s loss by its own weight', async () => {
    const one = { prompt: '<s> is the dog', chosen: 'near a </s>', rejected: 'big tree . </s>' }
    const other = { prompt: '<s> is the cat', chosen: 'red </s>', rejected: 'on the left </s>' }
    const config: TrainerSettings = {
      learning_rate: 5e-3,
      per_device_train_batch_size: 2,
      max_steps: 4,
      seed: 23,
    }
    const losses = async (rows: readonly object[]) => {
      const { data: _, ...rest } = job
      const steps: TrainEvent[] = []
      await policy.train({ ...rest, rows, config }, (event) => steps.push(event))
      return steps.flatMap((event) =>
        event.kind === 'step' ? [event.metrics.loss, event.metrics.grad_norm] : [],
      )
    }
    const twice = await losses([
      { ...one, weight: 2 },
      { ...other, weight: 0 },
    ])
    const alone = await losses([one, one])
    expect(twice).toHaveLength(8)
    for (const [i, value] of twice.entries()) expect(value).toBeCloseTo(alone[i] ?? Number.NaN, 4)
    expect(await losses([one, other])).not.toEqual(twice)
  })

  test('stops with a checkpoint, and continues bit for bit', async () => {
    const { bytesInUse } = await policy.memory()
    const whole = await train()
    const { peakBytes } = await policy.memory()
    const held = whole.events.flatMap((event) => (event.kind === 'step' ? [event.gpuBytes] : []))
    expect(Math.min(...held)).toBeGreaterThan(bytesInUse) // what training adds to the model
    expect(Math.max(...held)).toBeLessThanOrEqual(peakBytes)
    const first = await train({}, (event) => {
      if (event.kind === 'step' && event.metrics.step === 3) void policy.stop()
    })
    expect(first.outcome.status).toBe('stopped')
    expect(first.outcome.step).toBeGreaterThanOrEqual(3)
    expect(first.outcome.step).toBeLessThan(8)
    const checkpoint = { name: 'checkpoint', blob: new Blob([first.outcome.checkpoint]) }
    const second = await train({ checkpoint })
    expect([...first.steps, ...second.steps]).toEqual(whole.steps)
    expect(second.outcome.adapter).toEqual(whole.outcome.adapter)
    await expect(train({ checkpoint, config: { ...CONFIG, beta: 0.3 } })).rejects.toThrow(
      'checkpoint was saved by another run: it differs in settings.',
    )
  })

  test('computes its reference once, and holds it where it is while it is paused', async () => {
    const config = { ...CONFIG, max_length: 99 } // as no other test
    const paused = Promise.withResolvers<void>()
    const done: number[] = []
    const running = train({ config }, (event) => {
      if (event.kind !== 'reference') return
      done.push(event.done)
      if (done.length === 1) void policy.pause().then(paused.resolve)
    })
    await paused.promise
    await policy.adapters()
    const held = done.length
    await policy.generate({ requests: [{ images: [], prompt: '<s> is the dog' }], maxNewTokens: 8 })
    expect(done.length).toBeLessThanOrEqual(held + 1) // the batch that was under way
    expect(done.length).toBeLessThan(12)
    await policy.resume()
    const first = await running
    expect(done).toEqual(Array.from({ length: 12 }, (_, i) => 2 * (i + 1)))
    const again = await train({ config })
    expect(again.events.flatMap((e) => (e.kind === 'reference' ? [e.done] : []))).toEqual([24])
    expect(again.steps).toEqual(first.steps)
    expect(again.outcome.adapter).toEqual(first.outcome.adapter)
    const other = await train({ config: { ...config, reference: 'base', max_length: 100 } })
    expect(other.events.filter(({ kind }) => kind === 'reference')).toHaveLength(12)
  })

  test('is not continued on other weights, another format or another vision encoder', async () => {
    const config = { ...CONFIG, max_steps: 1 }
    const { outcome } = await train({ config })
    const checkpoint = { name: 'checkpoint', blob: new Blob([outcome.checkpoint]) }
    const file = await goldenBlob('dpo-trainer/model/model.safetensors')
    const weights = new Uint8Array(await file.arrayBuffer())
    const tensors = await readSafetensorsHeader(blobSource(file, 'model'))
    const { start = 0 } = tensors.find(({ name }) => name.endsWith('layers.0.mlp.up_proj.weight')) ?? {}
    weights[start] = (weights[start] ?? 0) ^ 1
    const preprocessing = JSON.parse(
      await (await goldenBlob('dpo-trainer/model/processor_config.json')).text(),
    ) as { image_processor: { image_mean: number[] } }
    preprocessing.image_processor.image_mean = [0.4, 0.4, 0.4]
    const changed = [
      ['checkpoint', {}, { 'model.safetensors': new Blob([weights]) }],
      ['weights', { weights: 'f16' }, {}],
      ['images', {}, { 'processor_config.json': new Blob([JSON.stringify(preprocessing)]) }],
    ] as const
    for (const [difference, options, files] of changed) {
      const { policy: other } = await openGoldenPolicy(options, files)
      await expect(other.train({ ...job, config, checkpoint })).rejects.toThrow(
        `it differs in ${difference}.`,
      )
      other.close()
    }
    expect((await train({ config, checkpoint })).outcome.status).toBe('done')
  })

  test('at an absurd learning rate ends in words, with the last good state', async () => {
    const { outcome, events, steps } = await train({
      config: { ...CONFIG, learning_rate: 1e30, lr_scheduler_type: 'constant', max_steps: 40 },
      checkpointSteps: 1,
    })
    expect(outcome.status).toBe('unhealthy')
    expect(outcome.ailment?.message).toMatch(/^at step \d+ .*Lower learning_rate/)
    expect(steps.length).toBeLessThan(10)
    expect(outcome.step).toBeLessThan(steps.length)
    expect(events.filter(({ kind }) => kind === 'checkpoint').length).toBe(outcome.step)
    const weights = new Blob([outcome.adapter['adapter_model.safetensors']])
    const again = await train({ checkpoint: { name: 'c', blob: new Blob([outcome.checkpoint]) } }).catch(
      (e) => e,
    )
    expect(weights.size).toBeGreaterThan(0)
    expect(again).toMatchObject({ name: 'ResumeError' })
  })

  test('pauses, answers meanwhile, resumes and can be cancelled', async () => {
    const paused = Promise.withResolvers<void>()
    const running = train({}, (event) => {
      if (event.kind === 'step' && event.metrics.step === 2) void policy.pause().then(paused.resolve)
    })
    await paused.promise
    const answers = await policy.generate({
      requests: [{ images: [], prompt: '<s> is the dog near :' }],
      maxNewTokens: 4,
      adapter: 'training',
    })
    expect(answers).toHaveLength(1)
    await policy.resume()
    expect((await running).outcome.status).toBe('done')
    const cancelled = train({}, (event) => {
      if (event.kind === 'step' && event.metrics.step === 2) void policy.cancel()
    })
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' })
    expect((await train({ config: { ...CONFIG, max_steps: 1 } })).outcome.status).toBe('done')
  })

  test('lets answers be written with the adapter as it was when they were asked for', async () => {
    const config = { ...CONFIG, learning_rate: 5e-2 }
    const paused = Promise.withResolvers<void>()
    const running = train({ config, call: 'training' }, (event) => {
      if (event.kind === 'step' && event.metrics.step === 2)
        void policy.pause('training').then(paused.resolve)
    })
    await paused.promise
    const job = {
      requests: [{ images: [], prompt: '<s> is the dog near :', candidates: 3 }],
      temperature: 1,
      maxNewTokens: 12,
      adapter: 'training',
    }
    const expected = await policy.generate(job)
    const begun = Promise.withResolvers<void>()
    let isHeld = false
    const slow = policy.generate({ ...job, call: 'slow' }, () => {
      if (!isHeld) void policy.pause('slow').then(begun.resolve)
      isHeld = true
    })
    await begun.promise
    await policy.resume('training')
    expect((await running).outcome.status).toBe('done')
    await policy.resume('slow')
    expect(await slow).toEqual(expected)
    expect(await policy.generate(job)).not.toEqual(expected)
  })

  test('is cancelled by a stop before its first step, and not the answer that began earlier', async () => {
    const stopped = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const requests = [{ images: [], prompt: '<s> is the dog near :' }]
    let isHeld = false
    const answers = policy.generate({ requests, maxNewTokens: 12, call: 'answer' }, () => {
      if (!isHeld) void policy.pause('answer').then(begun.resolve)
      isHeld = true
    })
    await begun.promise
    const config = { ...CONFIG, max_length: 98 } // whose reference is not kept from another test
    const training = train({ config }, ({ kind }) => {
      if (kind === 'reference') void policy.stop().then(stopped.resolve)
    })
    await expect(training).rejects.toMatchObject({ name: 'AbortError' })
    await stopped.promise
    await policy.stop() // there is nothing to stop any more
    await policy.resume('answer')
    expect((await answers)[0]?.finishReason).toBeDefined()
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

describe('calls under way at once', () => {
  test('are paused and cancelled by their names', async () => {
    const requests = [{ images: [], prompt: '<s> is the dog near :' }]
    const write = (call: string, onAnswers: () => void) =>
      policy.generate({ requests, maxNewTokens: 16, stopStrings: ['never'], call }, onAnswers)
    const held = Promise.withResolvers<void>()
    let grown = 0
    const first = write('first', () => {
      grown++
      if (grown === 1) void policy.pause('first').then(held.resolve)
    })
    await held.promise
    const second = write('second', () => void policy.cancel('second'))
    await expect(second).rejects.toMatchObject({ name: 'AbortError' })
    await policy.cancel('second') // which is over
    const third = await write('third', () => {})
    let isOver = false
    void first.then(() => {
      isOver = true
    })
    await policy.adapters()
    expect(isOver).toBe(false)
    const before = grown
    await policy.resume('first')
    expect((await first).map(({ tokens }) => tokens)).toEqual(third.map(({ tokens }) => tokens))
    expect(grown).toBeGreaterThan(before)
  })
})

describe('errors keep their name and message', () => {
  test.each([
    ['a wrong setting', { config: { betta: 1 } }, 'TrainerConfigError', 'betta: no such setting'],
    ['peft and adapter', { adapter: images }, 'Error', 'expected peft or adapter, got both'],
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
    await expect(policy.logps({ data: pairs, images, adapter: 'x' })).rejects.toThrow(
      'expected one of the resident adapters',
    )
  })

  test('a worker that is closed', async () => {
    const other = openPolicy()
    const loading = other.load(images)
    other.close()
    await expect(loading).rejects.toMatchObject({ name: 'WorkerError', message: 'the worker was closed' })
  })
})
