import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTES, type OpenSite, openSite, TINY, untilRun } from '../support/site.ts'
import { tasksWhile } from '../support/tasks.ts'

// The page stays smooth while a model is trained in it: its own thread is never busy for 50 ms at a stretch.

const MOST_MS = 50
/** Enough steps for the charts to be drawn many times, at last with smoothed curves over their ghosts. */
const STEPS = 18

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit()
}, 5 * MINUTES)
afterAll(() => site.close())

test('a task that takes too long is seen', { timeout: MINUTES }, async () => {
  await page.getByRole('button', { name: 'Run the demo' }).waitFor()
  const { longestMs } = await tasksWhile(page, async () => {
    await page.evaluate(async (ms) => {
      const busy = (): number => {
        const end = performance.now() + ms
        let sum = 0
        // Not by the clock alone, which goes on while the thread waits for a processor.
        for (let rounds = 0; rounds < 2e8 || performance.now() < end; rounds++) sum += Math.sqrt(rounds)
        return sum
      }
      await new Promise((resolve) => setTimeout(() => resolve(busy())))
    }, 4 * MOST_MS)
  })
  expect(longestMs).toBeGreaterThan(MOST_MS)
})

test('no task is too long while training runs', { timeout: 15 * MINUTES }, async () => {
  const train = { ...TINY.train, max_steps: STEPS, num_train_epochs: STEPS, learning_rate: 1e-4 }
  await site.visit({ ...TINY, name: 'watched', train }, page)
  await page.getByRole('button', { name: 'Start' }).click()
  await untilRun(page, ({ parts }) => parts.some(({ stage }) => stage === 'train'))
  const { count, longestMs } = await tasksWhile(page, async () => {
    await untilRun(
      page,
      ({ parts }) => parts.some(({ stage, state }) => stage === 'train' && state === 'done'),
      12 * MINUTES,
    )
    await page.locator('train-results .curve').nth(5).waitFor()
  })
  console.info(`${count} tasks, the longest of ${longestMs.toFixed(1)} ms`)
  expect(count).toBeGreaterThan(STEPS)
  expect(longestMs).toBeLessThan(MOST_MS)
})
