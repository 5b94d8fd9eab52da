import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { provideBrowser } from './browser.ts'
import { browserLaunch } from './launch.ts'
import { serveSite } from './server.ts'

/** The built site, which lies beside the built command line. */
export const SITE_FOLDER = fileURLToPath(new URL('../site', import.meta.url))

/**
 * Opens the built site in a headless browser, does something with it and closes both.
 * @throws {BrowserMissingError} when there is no browser and none can be installed.
 */
export async function withPage<T>(use: (page: Page) => Promise<T>): Promise<T> {
  if (!existsSync(SITE_FOLDER))
    throw new Error(`expected the built site in ${SITE_FOLDER}, found none; run npm run build`)
  const launch = browserLaunch(provideBrowser())
  const server = await serveSite(SITE_FOLDER)
  try {
    const browser = await chromium.launch(launch)
    try {
      const page = await browser.newPage()
      await page.goto(server.url)
      return await use(page)
    } finally {
      await browser.close()
    }
  } finally {
    await server.close()
  }
}
