import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PolicyClient } from '../../../src/pipeline/client.ts'
import { CONFIG, openTrainingPolicy, type TrainingPolicy } from '../../support/training.ts'

// Calls that are under way at once: paused, resumed and cancelled each by itself.

let policy: PolicyClient
let train: TrainingPolicy['train']

beforeAll(async () => {
  ;({ policy, train } = await openTrainingPolicy())
})
afterAll(() => policy.close())

describe('a training', () => {
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
