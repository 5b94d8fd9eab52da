import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTES, type OpenSite, openSite, runState, TINY, untilRun } from '../support/site.ts'

// What axe-core finds on the built site: before anything is run, and with everything a run shows unfolded.

/** Still under way when it has been looked at, however fast the machine is. */
const LONG = { ...TINY, name: 'long', train: { ...TINY.train, max_steps: 1000, num_train_epochs: 1000 } }
const THEMES = ['light', 'dark'] as const

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit()
  await page.emulateMedia({ reducedMotion: 'reduce' }) // a colour on its way to another has no contrast to speak of
}, 5 * MINUTES)
afterAll(() => site.close())

/** Serious and critical violations, one line for each element. */
async function violations(theme: (typeof THEMES)[number]): Promise<string[]> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(
    async () =>
      await (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }),
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().join(' ')}: ${failureSummary}`),
    )
}

test('axe-core sees a wrong that is put there', { timeout: 2 * MINUTES }, async () => {
  await page.getByRole('button', { name: 'Run the demo' }).waitFor()
  await page.evaluate(() =>
    document.body.insertAdjacentHTML('beforeend', '<button id="wrong" style="width: 2em"></button>'),
  )
  expect((await violations('light')).join('\n')).toContain('button-name: #wrong')
  await page.reload()
})

test.each(THEMES)('the start in %s has no serious violation', { timeout: 2 * MINUTES }, async (theme) => {
  await page.getByRole('button', { name: 'Run the demo' }).waitFor()
  expect(await violations(theme)).toEqual([])
})

/** Unfolds everything. */
async function unfold(): Promise<void> {
  await page.locator('details').evaluateAll((found) => {
    for (const one of found) (one as HTMLDetailsElement).open = true
  })
}

/** Opens the page with a recipe and starts it. */
async function start(recipe: object): Promise<void> {
  await site.visit(recipe, page)
  await page.getByRole('button', { name: 'Start' }).click()
}

test('a long run comes to its training', { timeout: 5 * MINUTES }, async () => {
  await start(LONG)
  await untilRun(page, ({ parts }) =>
    parts.some(({ stage, unit, done }) => stage === 'train' && unit === 'steps' && done > 1),
  )
})

test.each(THEMES)(
  'a run under way in %s has no serious violation',
  { timeout: 3 * MINUTES },
  async (theme) => {
    await unfold()
    expect((await runState(page)).status).toBe('running')
    expect(await violations(theme)).toEqual([])
  },
)

test.each(THEMES)('a paused run in %s has no serious violation', { timeout: 3 * MINUTES }, async (theme) => {
  if ((await runState(page)).status === 'running') await page.getByRole('button', { name: 'Pause' }).click()
  await untilRun(page, ({ status }) => status === 'paused')
  expect(await violations(theme)).toEqual([])
})

test('a tiny run gets to its end', { timeout: 10 * MINUTES }, async () => {
  await page.getByRole('button', { name: 'Stop' }).click()
  await untilRun(page, ({ status }) => status === 'stopped')
  await start(TINY)
  await untilRun(page, ({ status }) => status === 'done')
  await page.locator('evaluate-results .card').first().waitFor()
  await unfold()
  await page.locator('pair-editor').getByRole('group', { name: 'Add a pair' }).waitFor()
})

test.each(THEMES)(
  'a finished run in %s has no serious violation',
  { timeout: 3 * MINUTES },
  async (theme) => {
    expect(await violations(theme)).toEqual([])
  },
)

test.each(THEMES)(
  'a scene that is made in %s has no serious violation',
  { timeout: 3 * MINUTES },
  async (theme) => {
    await page.locator('try-it').getByText('Make a scene').click()
    await page.locator('scene-maker').getByRole('button', { name: 'add cup' }).press('Enter')
    await page
      .locator('scene-maker')
      .getByRole('button', { name: /^cup, / })
      .first()
      .waitFor()
    expect(await violations(theme)).toEqual([])
  },
)

test('another run is made, to be laid beside it', { timeout: 10 * MINUTES }, async () => {
  const { id: first } = await runState(page)
  await page.locator('pair-panel input[type=range]').first().press('ArrowRight')
  await page.getByRole('button', { name: 'Run with these settings' }).click()
  await untilRun(page, ({ id, status }) => id !== first && status === 'done')
  const done = page.locator('run-list').getByRole('row').filter({ hasText: 'done' })
  await expect.poll(() => done.count()).toBe(2)
  for (const row of [0, 1]) await done.nth(row).getByRole('checkbox', { name: 'Compare' }).check()
  await page.locator('run-comparison .curve svg').first().waitFor()
  await unfold()
})

test.each(THEMES)(
  'two runs side by side in %s have no serious violation',
  { timeout: 3 * MINUTES },
  async (theme) => {
    expect(await violations(theme)).toEqual([])
  },
)

/** What reaches past the right edge of the page, and is not inside a box that scrolls there. */
async function cutOff(): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = []
    const look = (root: ParentNode): void => {
      for (const element of root.children) {
        const { right, width } = element.getBoundingClientRect()
        const { overflowX, position } = getComputedStyle(element)
        const isHeardOnly = position === 'absolute' && width <= 1
        if (width > 0 && !isHeardOnly && right > innerWidth + 1)
          found.push(`${element.localName}.${element.getAttribute('class')} ends at ${Math.round(right)}`)
        if (overflowX !== 'visible' && element.localName !== 'main') continue
        if (element.localName === 'svg') continue // what is read under the pointer is drawn beside it
        look(element)
        if (element.shadowRoot) look(element.shadowRoot)
      }
    }
    look(document.body)
    return found
  })
}

test.each([
  ['a phone', 390],
  ['a small phone', 320],
])('on %s nothing is cut off', { timeout: 3 * MINUTES }, async (_, width) => {
  await page.setViewportSize({ width, height: 844 })
  for (const source of ['Make a scene', 'A picture of mine', 'Pictures it was not trained on']) {
    await page.locator('try-it').getByText(source).click()
    if (source === 'Make a scene')
      await page.locator('scene-maker').getByRole('group', { name: 'The picture' }).waitFor()
    expect(await cutOff()).toEqual([])
  }
})
