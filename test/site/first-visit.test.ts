import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initialScripts, type OpenSite, openSite, runState, untilRun } from '../support/site.ts'

// What a first visit to the built site costs, and its one click.

const MINUTES = 60_000

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.context.newPage()
}, 5 * MINUTES)
afterAll(async () => await site.close())

describe('what is loaded at first', () => {
  const gzipped = (name: string): number => gzipSync(readFileSync(join(site.folder, name))).length
  const total = (names: readonly string[]): number => names.reduce((sum, name) => sum + gzipped(name), 0)

  test('is under 250 kB packed, libraries included', () => {
    const bytes = total(initialScripts(site.folder))
    console.info(`${Math.round(bytes / 1000)} kB`)
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes).toBeLessThan(250_000)
  })

  test('is counted with all that it imports', () => {
    const headless = initialScripts(site.folder, 'headless.html')
    const all = readdirSync(join(site.folder, 'assets')).filter((name) => name.endsWith('.js'))
    expect(total(all.map((name) => `assets/${name}`))).toBeGreaterThan(250_000)
    expect(headless.length).toBeGreaterThan(1)
    for (const name of [...headless, ...initialScripts(site.folder)])
      expect(all).toContain(name.replace('assets/', ''))
  })

  test('is what the browser loads, with the worker that reads what is kept and one recipe', {
    timeout: MINUTES,
  }, async () => {
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(site.url)
    await page.getByRole('button', { name: 'Run the demo' }).waitFor()
    page.removeAllListeners('request')
    const loaded = asked
      .filter((url) => url.startsWith(site.url) && url.endsWith('.js'))
      .map((url) => url.slice(site.url.length))
    const known = initialScripts(site.folder)
    expect(loaded).toEqual(expect.arrayContaining(known))
    const others = loaded.filter((name) => !known.includes(name))
    expect(others.map((name) => name.replace(/-[\w-]{8}\.js$/, '')).sort()).toEqual([
      'assets/demo',
      'assets/runner.worker',
    ])
    expect(total(loaded)).toBeLessThan(250_000)
  })
})

test('the first paint comes within a second', { timeout: 2 * MINUTES }, async () => {
  const times: number[] = []
  for (let visit = 0; visit < 3; visit++) {
    const fresh = await site.context.newPage()
    await fresh.goto(site.url)
    await fresh.getByRole('button', { name: 'Run the demo' }).waitFor()
    const paint = await fresh.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    )
    times.push(paint ?? Number.POSITIVE_INFINITY)
    await fresh.close()
  }
  console.info(`first paint after ${times.map((ms) => `${Math.round(ms)} ms`).join(', ')}`)
  expect(Math.min(...times)).toBeLessThan(1000) // the least: other work on this computer is not the page's
})

test('one click runs the demo: pictures, their first descriptions, and a stop that keeps them', {
  timeout: 8 * MINUTES,
}, async () => {
  await page.goto(site.url)
  await page.getByRole('button', { name: 'Run the demo' }).click()
  await untilRun(page, ({ parts }) => parts.some(({ stage, done }) => stage === 'caption' && done > 0))
  await expect.poll(() => page.locator('picture-texts ol li').count()).toBeGreaterThan(2)
  await page.getByRole('button', { name: 'Stop' }).click()
  await untilRun(page, ({ status }) => status === 'stopped')
  await page.reload()
  await page.locator('run-list').getByRole('button', { name: 'Open' }).click()
  const { parts } = await untilRun(page, ({ status }) => status === 'stopped')
  expect(parts).toContainEqual(expect.objectContaining({ stage: 'dataset', state: 'stored' }))
  await expect.poll(() => page.locator('picture-texts ol li').count()).toBeGreaterThan(2)
  expect((await runState(page)).problem).toBeUndefined()
})
