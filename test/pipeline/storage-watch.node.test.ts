import { expect, test } from 'vitest'
import type { RunEvent } from '../../src/pipeline/events.ts'
import { StorageWatch } from '../../src/pipeline/storage-watch.ts'
import type { StorageState } from '../../src/store/quota.ts'

test('the storage is looked at now and then while a run goes on, and told of once at each level', async () => {
  const events: RunEvent[] = []
  let clock = 0
  let level: StorageState['level'] = 'ok'
  let looks = 0
  const state = async (): Promise<StorageState> => {
    looks++
    return { usage: 9e8, quota: 1e9, isPersisted: false, level }
  }
  const watch = new StorageWatch(
    (event) => events.push(event),
    state,
    () => clock,
  )
  const goOn = async (ms: number) => {
    clock += ms
    watch.emit({ kind: 'progress', stage: 'caption', round: 1, done: 1, total: 2, unit: 'pictures' })
    await new Promise((resolve) => setTimeout(resolve))
    return events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
  }
  await watch.look()
  expect(await goOn(29_000)).toEqual([])
  expect(looks).toBe(1)
  level = 'low'
  const low = expect.stringMatching(/storage is nearly full: 900 MB of 1000 MB/)
  expect(await goOn(1000)).toEqual([low])
  expect(await goOn(60_000)).toEqual([low])
  level = 'full'
  const full = expect.stringMatching(/storage is full/)
  expect(await goOn(60_000)).toEqual([low, full])
  level = 'low'
  expect(await goOn(60_000)).toEqual([low, full])
  expect(looks).toBe(5)
  expect(events.filter(({ kind }) => kind === 'progress')).toHaveLength(5)
})
