import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initialScripts, MINUTES, type OpenSite, openSite, runState, untilRun } from '../support/site.ts'

// What a first visit to the built site costs, and its one click.

/** Some static hosts take no file that is larger. */
const LARGEST_FILE = 25 * 2 ** 20

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite()
  page = await site.context.newPage()
}, 5 * MINUTES)
afterAll(() => site.close())

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
    await site.visit(undefined, page)
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

test('no file is too large for a static host, ONNX Runtime’s WASM among them', () => {
  const files = readdirSync(site.folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => ({ name, bytes: statSync(join(parentPath, name)).size }))
  const wasm = files.filter(({ name }) => name.endsWith('.wasm'))
  expect(wasm.length).toBeGreaterThan(0)
  for (const { bytes } of wasm) expect(bytes).toBeGreaterThan(2 ** 20)
  expect(files.filter(({ bytes }) => bytes >= LARGEST_FILE)).toEqual([])
})

test('the first paint comes within a second, in a browser that has kept nothing', {
  timeout: 2 * MINUTES,
}, async () => {
  const browser = site.context.browser()
  if (!browser) throw new Error('expected the browser of the site')
  const times: number[] = []
  for (let visit = 0; visit < 5; visit++) {
    const context = await browser.newContext()
    const fresh = await context.newPage()
    await fresh.goto(site.url)
    await fresh.getByRole('button', { name: 'Run the demo' }).waitFor()
    const { paint, fetched } = await fresh.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      fetched: performance
        .getEntriesByType('resource')
        .filter((entry) => (entry as PerformanceResourceTiming).transferSize > 0).length,
    }))
    expect(fetched).toBeGreaterThan(0) // from the network, not from what an earlier visit left
    times.push(paint ?? Number.POSITIVE_INFINITY)
    await context.close()
  }
  times.sort((a, b) => a - b)
  console.info(`first paint after ${times.map((ms) => `${Math.round(ms)} ms`).join(', ')}`)
  expect(times[2]).toBeLessThan(1000)
})

test('one click runs the demo: pictures, their first descriptions, and a stop that keeps them', {
  timeout: 8 * MINUTES,
}, async () => {
  await site.visit(undefined, page)
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
