import { expect, test } from 'vitest'
import { ResultsLoader } from '../../src/ui/results-loader.ts'

test('what failed to load is told once, tried again a while later, and then never again', async () => {
  let now = 0
  let tries = 0
  const loader = new ResultsLoader(
    () => (++tries < 2 ? Promise.reject(new Error('no network')) : Promise.resolve()),
    () => now,
  )
  expect(await loader.need()).toBe('failed')
  expect(await loader.need()).toBe('pending')
  expect(tries).toBe(1)
  now = 5001
  expect(await loader.need()).toBe('loaded')
  expect(tries).toBe(2)
  now = 60_000
  expect(await loader.need()).toBe('loaded')
  expect(tries).toBe(2)
})
