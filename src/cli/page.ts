import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { provideBrowser } from './browser.ts'
import type { Handler } from './files.ts'
import { browserLaunch } from './launch.ts'
import { serveSite } from './server.ts'

/** The built site, which lies beside the built command line. */
export const SITE_FOLDER = fileURLToPath(new URL('../site', import.meta.url))

export interface PageOptions {
  /** Page to open. Default the start page. */
  path?: string
  /** Answers requests for what is not part of the site. */
  shared?: Handler
  /** Functions the page finds as globals. */
  functions?: Readonly<Record<string, (value: never) => void>>
}

/**
 * Opens a page of the built site in a headless browser, does something with it and closes both.
 * @param use is given the page and the site's address.
 * @throws {BrowserMissingError} when there is no browser and none can be installed.
 */
export async function withPage<T>(
  { path = '', shared, functions = {} }: PageOptions,
  use: (page: Page, site: string) => Promise<T>,
): Promise<T> {
  if (!existsSync(SITE_FOLDER))
    throw new Error(`expected the built site in ${SITE_FOLDER}, found none; run npm run build`)
  const launch = browserLaunch(provideBrowser())
  const server = await serveSite(SITE_FOLDER, 0, shared)
  try {
    // A signal is this program's to answer: the browser lives on until what it did is saved.
    const browser = await chromium.launch({
      ...launch,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    })
    try {
      const page = await browser.newPage()
      for (const [name, call] of Object.entries(functions)) await page.exposeFunction(name, call)
      await page.goto(server.url + path)
      return await use(page, server.url)
    } finally {
      await browser.close()
    }
  } finally {
    await server.close()
  }
}
