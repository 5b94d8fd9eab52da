import { expect, test } from 'vitest'
import { withRun } from '../../src/pipeline/open-run.ts'
import { StorageFullError } from '../../src/store/errors.ts'
import type { OpenRun, RunRecord } from '../../src/store/runs.ts'

const described = { name: 'a', recipe: {}, recipeHash: '' }

/** A store with one run, whose record cannot be changed any more once `isFull` is set. */
function oneRun() {
  let record: RunRecord | undefined
  const state = { isFull: false, isClosed: false }
  const run = {
    id: 'a',
    update: async (change: (run: RunRecord) => RunRecord) => {
      if (state.isFull) throw new StorageFullError('no room')
      record = change(record as RunRecord)
      return record
    },
    close: async () => {
      state.isClosed = true
    },
  } as unknown as OpenRun
  const open = async (id: string, create: () => Omit<RunRecord, 'id'>) => {
    record ??= { ...create(), id }
    return run
  }
  const store = { runs: { open } } as unknown as Parameters<typeof withRun>[0]['store']
  return { store, state, record: () => record }
}

test('how a run ended is noted: done, failed with the reason, or stopped', async () => {
  const { store, state, record } = oneRun()
  const { signal } = new AbortController()
  const place = { store, id: 'a', described, signal }
  expect(await withRun(place, async () => 3)).toBe(3)
  expect(record()).toMatchObject({ name: 'a', status: 'done' })
  await expect(withRun(place, () => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong')
  expect(record()).toMatchObject({ status: 'failed', notes: { error: 'wrong' } })
  await expect(withRun(place, () => Promise.reject(new StorageFullError('no room')))).rejects.toThrow(
    'no room',
  )
  expect(record()).toMatchObject({ status: 'stopped', notes: { error: 'no room' } })
  const lost = Object.assign(new Error('gone'), { name: 'DeviceLostError' }) // as it comes from a worker
  await expect(withRun(place, () => Promise.reject(lost))).rejects.toThrow('gone')
  expect(record()).toMatchObject({ status: 'stopped', notes: { error: 'gone' } })
  const aborted = { ...place, signal: AbortSignal.abort() }
  await expect(withRun(aborted, () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted')
  expect(record()?.status).toBe('stopped')
  expect(state.isClosed).toBe(true)
})

test('what went wrong is told also where it cannot be noted', async () => {
  const { store, state } = oneRun()
  const { signal } = new AbortController()
  const work = async (): Promise<never> => {
    state.isFull = true
    throw new Error('the real reason')
  }
  await expect(withRun({ store, id: 'a', described, signal }, work)).rejects.toThrow('the real reason')
  expect(state.isClosed).toBe(true)
})
