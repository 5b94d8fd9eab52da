import { afterEach, expect, test, vi } from 'vitest'
import { createHeadless, type HeadlessEvent } from '../../src/pipeline/headless.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What is said before a recipe that is none is refused. */
async function saidFirst(usage: number): Promise<HeadlessEvent[]> {
  vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ usage, quota: 100e6 })
  const events: HeadlessEvent[] = []
  const headless = createHeadless((event) => events.push(event), vi.fn())
  await expect(headless.run({ recipe: {}, sources: {}, out: '' })).rejects.toMatchObject({
    name: 'RecipeError',
  })
  return events
}

test('the command line says when the storage is nearly full before it begins', async () => {
  expect(await saidFirst(10e6)).toEqual([])
  expect(await saidFirst(90e6)).toEqual([
    {
      kind: 'run',
      event: { kind: 'note', text: expect.stringMatching(/storage is nearly full: 90 MB of 100 MB/) },
    },
  ])
})
