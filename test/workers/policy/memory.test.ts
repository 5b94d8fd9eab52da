import { afterAll, describe, expect, test } from 'vitest'
import { openPolicy } from '../../../src/pipeline/client.ts'
import type { LoadProgress, TrainEvent } from '../../../src/workers/policy.api.ts'
import { loadGolden } from '../../support/policy.ts'

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

  test('refuses what is over the budget, naming what would fit, and loads nothing', async () => {
    const { info } = await loadGolden(policy, { use })
    const budgetBytes = Math.floor(info.plan.peakBytes - 0.2 * info.plan.bytes.activations)
    const progress: LoadProgress[] = []
    const error: unknown = await loadGolden(policy, { use, budgetBytes }, {}, progress).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ name: 'MemoryError' })
    expect(String(error)).toMatch(/over the budget of .* It would fit with recompute on/)
    expect(progress).toEqual([])
    await expect(policy.renderPrompt('a')).rejects.toThrow('expected a model to be loaded first')
    await loadGolden(policy, { use, budgetBytes, recompute: true })
  })

  test('is made anew for a training’s real batches, which it refuses before they are made', async () => {
    const { info } = await loadGolden(policy)
    const events: TrainEvent[] = []
    const job = { rows, images, config: { max_steps: 1 }, peft: PEFT }
    await policy.train(job, (event) => events.push(event))
    const plan = events.find((event) => event.kind === 'plan')?.plan
    expect(plan?.bytes.weights).toBe(info.plan.bytes.weights)
    expect(plan?.bytes.activations).toBeGreaterThan(0)
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
