import { afterAll, describe, expect, test } from 'vitest'
import { openPolicy } from '../../../src/pipeline/client.ts'
import type { LoadProgress, TrainEvent } from '../../../src/workers/policy.api.ts'
import { goldenBlob, goldenFolder } from '../../support/goldens.ts'
import { loadGolden, MODEL_FILES } from '../../support/policy.ts'

const policy = openPolicy()
afterAll(() => policy.close())

const PEFT = { r: 4, lora_alpha: 8 }
const use = { peft: PEFT, train: { pairs: 2, promptTokens: 20, answerTokens: 12 } }
const rows = [{ prompt: '<s> is the dog', chosen: 'near a </s>', rejected: 'big </s>' }]
const images = { name: 'none', files: {} }

describe('the memory plan', () => {
  test('comes before anything is loaded, and counts what is said to follow', async () => {
    const progress: LoadProgress[] = []
    const { info } = await loadGolden(policy, { use }, {}, progress)
    expect(progress[0]).toMatchObject({ done: 0, bytesRead: 0, plan: info.plan })
    expect(progress.slice(1).every(({ plan }) => plan === undefined)).toBe(true)
    expect(info.plan.table.split('\n').at(-1)).toMatch(/^peak +\d+\.\d MiB/)
    expect(info.plan.bytes.optimiser).toBeGreaterThan(0)
    const { info: bare } = await loadGolden(policy)
    expect(bare.plan.bytes).toEqual({ ...info.plan.bytes, activations: 0, optimiser: 0 })
  })

  test('counts a prompt’s images as the largest the model may be given, which generating stays within', async () => {
    const plan = async (promptTokens: number, images?: number) => {
      const prompts = { prompts: 1, candidates: 2, maxNewTokens: 8 }
      const generate = { ...prompts, promptTokens, ...(images === undefined ? {} : { images }) }
      const folder = await goldenFolder('anyres/onevision', MODEL_FILES)
      return await policy.load(folder, { use: { generate } })
    }
    const { imageTokens = 0, plan: words } = await plan(10)
    expect(imageTokens).toBeGreaterThanOrEqual(250) // of the tall picture
    const counted = await plan(10, 1)
    const { bytes } = (await plan(10 + imageTokens)).plan // where any token may be an image's
    expect(counted.plan.bytes.cache).toBe(bytes.cache)
    expect(counted.plan.bytes.activations).toBeLessThan(bytes.activations)
    await plan(10, 1)
    await policy.memory()
    const image = { name: 'tall.png', blob: await goldenBlob('anyres/tall.png') }
    const [answer] = await policy.generate({
      requests: [{ images: [image], prompt: '<s> <image> describe the picture :', candidates: 2 }],
      maxNewTokens: 8,
    })
    expect(answer?.tokens.length).toBeGreaterThan(0)
    const { peakBytes } = await policy.memory()
    expect(peakBytes).toBeLessThanOrEqual(counted.plan.peakBytes)
    expect(peakBytes).toBeGreaterThan(words.peakBytes)
  })

  test('counts as many answers at once as fit the budget, which generating stays within', async () => {
    const generate = { prompts: 8, candidates: 8, promptTokens: 12, maxNewTokens: 16 }
    const { info: whole } = await loadGolden(policy, { use: { generate } })
    const { weights } = whole.plan.bytes
    const budgetBytes = Math.floor(weights + (whole.plan.peakBytes - weights) / 3)
    const { info } = await loadGolden(policy, { use: { generate }, budgetBytes })
    expect(info.plan.peakBytes).toBeLessThanOrEqual(budgetBytes)
    expect(info.plan.bytes.cache).toBeLessThan(whole.plan.bytes.cache / 2)
    await policy.memory()
    const requests = Array.from({ length: 8 }, (_, seed) => {
      return { images: [], prompt: '<s> is the dog near a', candidates: 8, seed }
    })
    expect(await policy.generate({ requests, maxNewTokens: 16 })).toHaveLength(64)
    expect((await policy.memory()).peakBytes).toBeLessThanOrEqual(budgetBytes)
  })

  test('of images without a limit is refused, or leaves them out', async () => {
    const images = {
      image_processor: { image_processor_type: 'CLIPImageProcessor', do_resize: false, do_normalize: false },
    }
    const file = new Blob([JSON.stringify(images)])
    const generate = { prompts: 1, candidates: 1, promptTokens: 9, images: 1, maxNewTokens: 4 }
    const wanted = loadGolden(policy, { use: { generate } }, { 'processor_config.json': file })
    await expect(wanted).rejects.toThrow('do not say how many tokens an image may take')
    const use = { generate, unlimitedImages: 'leave out' } as const
    const { info } = await loadGolden(policy, { use }, { 'processor_config.json': file })
    const { info: words } = await loadGolden(policy, { use: { generate: { ...generate, images: 0 } } })
    expect(info.plan.bytes.cache).toBe(words.plan.bytes.cache)
  })

  test('refuses what is over the budget, naming what would fit, and loads nothing', async () => {
    const { info } = await loadGolden(policy, { use })
    const budgetBytes = Math.floor(info.plan.peakBytes - 0.2 * info.plan.bytes.activations)
    const progress: LoadProgress[] = []
    const options = { use, budgetBytes, recompute: false }
    const error: unknown = await loadGolden(policy, options, {}, progress).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'MemoryError' })
    expect(String(error)).toMatch(/over the budget of .* It would fit with recompute on/)
    expect(progress).toEqual([])
    await expect(policy.renderPrompt('a')).rejects.toThrow('expected a model to be loaded first')
    const { info: again } = await loadGolden(policy, { use, budgetBytes })
    expect(again.plan.recompute).toBe(true)
  })

  test('is made anew for a training’s real batches, which it refuses before they are made', async () => {
    const { info } = await loadGolden(policy)
    const events: TrainEvent[] = []
    const job = { rows, images, config: { max_steps: 1 }, peft: PEFT }
    await policy.train(job, (event) => events.push(event))
    const plan = events.find((event) => event.kind === 'plan')?.plan
    expect(plan?.bytes.weights).toBe(info.plan.bytes.weights)
    expect(plan?.bytes.activations).toBeGreaterThan(0)
    expect(plan?.recompute).toBe(false)
    const result = await policy.train(job)
    const budgetBytes = Math.floor((plan?.peakBytes ?? 0) - 0.1 * (plan?.bytes.activations ?? 0))
    await loadGolden(policy, { budgetBytes })
    const tight: TrainEvent[] = []
    const again = await policy.train(job, (event) => tight.push(event))
    expect(tight.find((event) => event.kind === 'plan')?.plan.recompute).toBe(true)
    expect(again.adapter).toEqual(result.adapter)
    await loadGolden(policy, { budgetBytes: info.plan.peakBytes })
    await expect(policy.train(job)).rejects.toMatchObject({ name: 'MemoryError' })
  })
})

test('a model is not replaced while something is under way', async () => {
  await loadGolden(policy)
  const job = { rows, images, config: { max_steps: 40 }, peft: PEFT }
  let refused: Promise<unknown> | undefined
  const training = policy.train(job, (event) => {
    if (event.kind === 'start') refused = loadGolden(policy).catch((error: unknown) => error)
  })
  expect((await training).status).toBe('done')
  expect(String(await refused)).toContain('load: expected nothing else under way')
})
