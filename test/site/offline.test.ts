import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sirv from 'sirv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SiteServer } from '../../src/cli/server.ts'
import { KEPT_MB } from '../../src/ui/kept-size.ts'
import { MINUTES, type OpenSite, openSite, TINY, untilRun } from '../support/site.ts'

// The built site on a host that sends no headers, from a first visit to one without network; every test goes on where the one
// before it ended.

let site: OpenSite
let page: Page

beforeAll(async () => {
  site = await openSite({ serve: serveBare })
  page = await site.visit()
}, 5 * MINUTES)
afterAll(() => site.close())

/** A static host as many are: no headers of its own. */
async function serveBare(folder: string): Promise<SiteServer> {
  const server = createServer(sirv(folder, { dev: true })) // files are looked for at each request: a test changes one
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}

const note = async (): Promise<string> =>
  (await page.locator('offline-note').evaluate((one) => one.shadowRoot?.textContent ?? '')).replace(
    /\s+/g,
    ' ',
  )
const isIsolated = async (): Promise<boolean> => await page.evaluate(() => crossOriginIsolated)

test('a first visit keeps the page and its demo, and says what a host without headers costs', {
  timeout: 8 * MINUTES,
}, async () => {
  await expect
    .poll(() => page.locator('doctor-card').evaluate((card) => card.shadowRoot?.textContent))
    .toContain('not cross-origin isolated')
  await expect.poll(note, { timeout: 6 * MINUTES }).toContain('Works without network')
  expect(await isIsolated()).toBe(false)
  expect(await note()).toContain('reload the page for its full speed')
  await page.reload()
  await expect.poll(note).toMatch(/Works without network: [^.]*\. *$/)
  expect(await isIsolated()).toBe(true) // by the kept copy's headers
})

test('what is kept comes to as much as the page says', () => {
  const files = readdirSync(site.folder, { recursive: true, withFileTypes: true })
  const bytes = files
    .filter((file) => file.isFile() && !['headless.html', 'service-worker.js'].includes(file.name))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  expect(Math.abs(bytes / 1e6 - KEPT_MB), `${bytes} bytes`).toBeLessThan(3)
})

test('a new version is told, waits for a run to end, and is taken when asked', {
  timeout: 8 * MINUTES,
}, async () => {
  appendFileSync(join(site.folder, 'service-worker.js'), '\n// another version')
  await site.visit({ ...TINY, name: 'held' }, page)
  await expect.poll(note, { timeout: 3 * MINUTES }).toContain('There is a new version')
  await page.getByRole('button', { name: 'Start' }).click()
  await untilRun(page, ({ parts }) => parts.some(({ stage }) => stage === 'caption'))
  await page.getByRole('button', { name: 'Use it' }).click()
  await expect.poll(note).toContain('A run is open')
  await page.getByRole('button', { name: 'Stop' }).click()
  await untilRun(page, ({ status }) => status === 'stopped')
  const loaded = page.waitForEvent('load')
  await page.getByRole('button', { name: 'Use it' }).click()
  await loaded
  await expect.poll(note).toMatch(/Works without network: [^.]*\. *$/)
})

test('with the server gone, the page opens and runs to figures before and after', {
  timeout: 8 * MINUTES,
}, async () => {
  await site.stopServer()
  await page.close()
  page = await site.visit(TINY)
  await page.getByRole('button', { name: 'Start' }).click()
  await untilRun(page, ({ status }) => status === 'done')
  await expect
    .poll(() => page.locator('evaluate-results').evaluate((one) => one.shadowRoot?.textContent))
    .toContain('Captions that invent something')
})
