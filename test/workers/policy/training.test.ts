import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobSource } from '../../../src/data/bytes.ts'
import { readAdapterWeights } from '../../../src/data/peft.ts'
import { readSafetensorsHeader } from '../../../src/data/safetensors.ts'
import type { PolicyClient } from '../../../src/pipeline/client.ts'
import type { TrainEvent, TrainerSettings, TrainJob } from '../../../src/workers/policy.api.ts'
import { goldenBlob } from '../../support/goldens.ts'
import { openGoldenPolicy } from '../../support/policy.ts'
import { CONFIG, NO_IMAGES, openTrainingPolicy, type TrainingPolicy } from '../../support/training.ts'

let policy: PolicyClient
let job: TrainJob
let train: TrainingPolicy['train']

beforeAll(async () => {
  ;({ policy, job, train } = await openTrainingPolicy())
})
afterAll(() => policy.close())

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
    (await policy.logps({ data: completions, images: NO_IMAGES, ...(adapter ? { adapter } : {}) }))[0]?.logp
  expect(await logp('again')).toBe(await logp('training'))
  expect(await logp('again')).not.toBe(await logp())
})

test('lets go of what answers were written in, so that it takes no more than its plan', async () => {
  const { policy: other, train: trainOther } = await openTrainingPolicy()
  const requests = [{ images: [], prompt: '<s> is the dog near :', candidates: 200 }]
  await other.generate({ requests, temperature: 1, maxNewTokens: 40 })
  const { peakBytes: written } = await other.memory()
  const { events } = await trainOther({ config: { ...CONFIG, max_steps: 2 } })
  other.close()
  const planned = events.flatMap((event) => (event.kind === 'plan' ? [event.plan.peakBytes] : []))[0] ?? 0
  expect(planned).toBeLessThan(written)
  for (const event of events) if (event.kind === 'step') expect(event.gpuBytes).toBeLessThanOrEqual(planned)
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
    await expect(other.train({ ...job, config, checkpoint })).rejects.toThrow(`it differs in ${difference}.`)
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
