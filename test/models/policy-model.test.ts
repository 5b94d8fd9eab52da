import * as ort from 'onnxruntime-web/wasm'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { PolicyModel, type PolicyOptions } from '../../src/models/policy-model.ts'
import { goldenModel } from '../support/goldens.ts'
import { testGpu } from '../support/gpu.ts'

let gpu: Gpu
let openSessions: number

beforeAll(async () => {
  gpu = await testGpu()
})

/** Counts ONNX sessions that were opened and not released. */
beforeEach(() => {
  openSessions = 0
  const { create } = ort.InferenceSession
  vi.spyOn(ort.InferenceSession, 'create').mockImplementation(async (...args: readonly unknown[]) => {
    const session = await (create as (...args: readonly unknown[]) => ReturnType<typeof create>)(...args)
    openSessions++
    const { release } = session
    session.release = async () => {
      openSessions--
      await release.call(session)
    }
    return session
  })
})

afterEach(() => vi.restoreAllMocks())

async function load(options: PolicyOptions = {}): Promise<PolicyModel> {
  return await PolicyModel.load(gpu, goldenModel('dpo-trainer/model'), options)
}

describe('loading', () => {
  test('leaves nothing behind when it is released', async () => {
    const before = gpu.arena.stats.bytesInUse
    const model = await load()
    expect(gpu.arena.stats.bytesInUse).toBeGreaterThan(before)
    expect(openSessions).toBe(1)
    model.release()
    expect(gpu.arena.stats.bytesInUse).toBe(before)
    expect(openSessions).toBe(0)
  })

  test.each([1, 7, 19])('cancelled after %d tensors leaves nothing behind', async (count) => {
    const before = gpu.arena.stats.bytesInUse
    const controller = new AbortController()
    const loading = load({
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === count) controller.abort(new DOMException('cancelled', 'AbortError'))
      },
    })
    await expect(loading).rejects.toMatchObject({ name: 'AbortError' })
    expect(gpu.arena.stats.bytesInUse).toBe(before)
    expect(openSessions).toBe(0)
  })

  test('that fails after the weights leaves nothing behind', async () => {
    const before = gpu.arena.stats.bytesInUse
    const compile = gpu.kernel.bind(gpu)
    vi.spyOn(gpu, 'kernel').mockImplementation(async (spec) => {
      if (spec.label.startsWith('rope')) throw new Error('no shader')
      return await compile(spec)
    })
    await expect(load()).rejects.toThrow('no shader')
    expect(gpu.arena.stats.bytesInUse).toBe(before)
    expect(openSessions).toBe(0)
  })
})
