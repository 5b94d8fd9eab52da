import * as ort from 'onnxruntime-web/wasm'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { blobSource } from '../../src/data/bytes.ts'
import type { Folder } from '../../src/data/folder.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { readJson } from '../../src/models/checkpoint.ts'
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

test('a head beside the embedding is planned and kept, though the config ties them', async () => {
  const golden = goldenModel('dpo-trainer/model')
  const config = (await readJson(golden, 'config.json')) as { text_config: object }
  const tied = {
    ...config,
    tie_word_embeddings: true,
    text_config: { ...config.text_config, tie_word_embeddings: true },
  }
  const files: Folder = {
    name: 'tied',
    open: async (path, signal) =>
      path === 'config.json'
        ? blobSource(new Blob([JSON.stringify(tied)]), path)
        : await golden.open(path, signal),
  }
  const before = gpu.arena.stats.bytesInUse
  let planned = 0
  const model = await PolicyModel.load(gpu, files, { onPlan: ({ bytes }) => (planned = bytes.weights) })
  expect(gpu.arena.stats.bytesInUse - before).toBe(planned)
  expect(model.decoder.weights.head).not.toBe(model.decoder.weights.embedding)
  model.release()
})

test('more positions than the model has are refused before anything is read', async () => {
  const error: unknown = await load({ maxPositions: 0 }).catch((e: unknown) => e)
  expect(error).toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('maxPositions: expected'),
  })
})

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
