import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTES, type OpenSite, openSite, TINIEST, textWithin, untilRun } from '../support/site.ts'

// A whole first visit by the keyboard: nothing here points, clicks or puts the focus anywhere.

/** More places than the page has that the key can go to. */
const MOST_TABS = 400

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.visit(TINIEST)
  await page.getByRole('button', { name: 'Start' }).waitFor()
}, 5 * MINUTES)
afterAll(() => site.close())

const text = (selector: string): Promise<string> => textWithin(page, selector)

/** What has the focus, as it is called, and whether its outline can be seen. */
async function focused(): Promise<{ readonly name: string; readonly isOutlined: boolean }> {
  return await page.evaluate(() => {
    let active = document.activeElement
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
    if (!active || active === document.body) return { name: '', isOutlined: true }
    const named = active.getAttribute('aria-label') ?? (active.closest('label') ?? active).textContent
    const boxes = [active, active.closest('label')].filter((one) => one !== null)
    return {
      name: named.replace(/\s+/g, ' ').trim(),
      isOutlined: boxes.some((box) => getComputedStyle(box).outlineStyle !== 'none'),
    }
  })
}

/** Goes on by a key until something of this name has the focus. */
async function goTo(name: RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const passed: string[] = []
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press(key)
    const now = await focused()
    expect(now.isOutlined, `an outline around ${now.name}`).toBe(true)
    if (name.test(now.name)) return
    passed.push(now.name)
  }
  throw new Error(`expected ${name} on the way, passed ${passed.join(' | ')}`)
}

test('a recipe is started and comes to its end', { timeout: 10 * MINUTES }, async () => {
  await goTo(/^Start$/)
  await page.keyboard.press('Enter')
  await untilRun(page, ({ status }) => status === 'done')
  await expect.poll(() => text('evaluate-results')).toContain('Captions that invent something')
})

test('settings are unfolded, and a slider counts the pairs', { timeout: 2 * MINUTES }, async () => {
  await goTo(/^Settings/)
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('stage-settings details[open]').count()).toBe(1)
  const counted = async (): Promise<number> => Number(/(\d+) pairs of/.exec(await text('pair-panel'))?.[1])
  await expect.poll(counted).toBeGreaterThan(0)
  const before = await counted()
  await goTo(/^Least gap/)
  await page.keyboard.press('End')
  await expect.poll(counted).toBeLessThan(before)
})

test('the first picture’s pairs are unfolded, and one is struck out', { timeout: 2 * MINUTES }, async () => {
  await page.keyboard.press('Home')
  await goTo(/pairs this run made/)
  await page.keyboard.press('Enter')
  await goTo(/^Strike out: /)
  await page.keyboard.press('Enter')
  await expect.poll(() => text('pair-edits-list')).toContain('1 edit by hand')
})

test('a scene is made and asked about', { timeout: 5 * MINUTES }, async () => {
  await goTo(/^Pictures it was not trained on/)
  await page.keyboard.press('ArrowRight')
  await page.locator('scene-maker').getByRole('group', { name: 'The picture' }).waitFor()
  await goTo(/^Clear$/)
  await page.keyboard.press('Enter')
  await goTo(/^add cup$/)
  await page.keyboard.press('Enter')
  await expect.poll(async () => (await focused()).name).toMatch(/^cup, /)
  const place = (await focused()).name
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowLeft')
  await expect.poll(async () => (await focused()).name).not.toBe(place)
  await goTo(/^Ask both$/)
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('try-it answer-text .whole').count(), { timeout: 3 * MINUTES }).toBe(2)
  await goTo(/^As it was, word by word/)
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => page.locator('try-it answer-text .detail li').count()).toBeGreaterThan(0)
})

test('the recipe is shared as a link', { timeout: MINUTES }, async () => {
  await site.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await goTo(/^Copy link$/, 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect.poll(() => text('copy-link')).toContain('Copied.')
  const link = await page.evaluate(() => navigator.clipboard.readText())
  expect(link).toMatch(/#recipe=/)
  expect(link.startsWith(site.url)).toBe(true)
})
