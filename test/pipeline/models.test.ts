import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FolderSpec } from '../../src/data/folder.ts'
import { openModels, type RunModels } from '../../src/pipeline/models.ts'
import { openStore } from '../../src/store/store.ts'

const folder = (name: string): FolderSpec => ({ url: new URL(`/models/${name}`, location.origin).href })

test.each(['policy', 'clip'] as const)('loading %s is broken off at once', async (kind) => {
  const controller = new AbortController()
  const name = kind === 'policy' ? 'emoji-llava' : 'emoji-clip'
  let isLoaded = false
  const models = openModels({
    [kind]: { name, folder: folder(name), hash: name },
    store: openStore(),
    signal: controller.signal,
    emit: (event) => {
      if (event.kind !== 'loading') return
      isLoaded = event.total > 0 && event.done === event.total
      controller.abort(new DOMException('stopped', 'AbortError'))
    },
  })
  try {
    await expect(models[kind]()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
    expect(isLoaded).toBe(false)
  } finally {
    models.close()
  }
})

test('a model that was not given is asked for in vain', async () => {
  const { signal } = new AbortController()
  const models = openModels({ store: openStore(), signal, emit: () => {} })
  expect(() => models.policy()).toThrow(/expected a policy/)
  expect(() => models.clip()).toThrow(/expected a clip/)
})

describe('a policy that cannot go on', () => {
  const RealWorker = globalThis.Worker
  let workers: Worker[]
  let models: RunModels

  /** Policies run in a worker whose device can be lost. */
  beforeEach(() => {
    workers = []
    const losable = new URL('../support/losable-policy.worker.ts', import.meta.url)
    globalThis.Worker = class extends RealWorker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(options?.name === 'policy' ? losable : url, options)
        workers.push(this)
      }
    }
    models = openModels({
      policy: { name: 'emoji-llava', folder: folder('emoji-llava'), hash: 'a' },
      store: openStore(),
      signal: new AbortController().signal,
      emit: () => {},
    })
  })
  afterEach(() => {
    globalThis.Worker = RealWorker
    models.close()
  })

  const answer = async (): Promise<string | undefined> => {
    const client = await models.policy()
    const requests = [{ images: [], prompt: 'is there a dog ?' }]
    return (await client.generate({ requests, maxNewTokens: 4 }))[0]?.text
  }

  test('for its device is lost is loaded again, in the same worker', async () => {
    const before = await answer()
    new BroadcastChannel('lose-device').postMessage('now')
    const outcome = async (): Promise<string> =>
      await answer().then(
        () => 'answered',
        (error: Error) => error.name,
      )
    await expect.poll(outcome, { timeout: 60_000 }).toBe('DeviceLostError')
    expect(await answer()).toBe(before)
    expect(workers).toHaveLength(1)
  })

  test('for its worker broke down is loaded in a new one', async () => {
    const before = await answer()
    workers[0]?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))
    await expect((await models.policy()).memory()).resolves.toBeDefined()
    expect(await answer()).toBe(before)
    expect(workers).toHaveLength(2)
  })
})
