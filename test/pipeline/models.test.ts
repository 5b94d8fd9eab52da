import { expect, test } from 'vitest'
import type { FolderSpec } from '../../src/data/folder.ts'
import { openModels } from '../../src/pipeline/models.ts'
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
