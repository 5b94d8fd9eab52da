import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import puppeteer, { type Page } from 'puppeteer-core'
import { provideBrowser } from './browser.ts'
import type { Handler } from './files.ts'
import { browserLaunch } from './launch.ts'
import { openProfile } from './profile.ts'
import { PortInUseError, serveSite } from './server.ts'

/** The built site, which lies beside the built command line. */
export const SITE_FOLDER = fileURLToPath(new URL('../site', import.meta.url))

export interface PageOptions {
  /** Page to open. Default the start page. */
  path?: string
  /** Answers requests for what is not part of the site. */
  shared?: Handler
  /** Functions the page finds as globals. */
  functions?: Readonly<Record<string, (value: never) => void>>
  /** Folder for what the browser keeps from one time to the next; without one it keeps nothing. */
  profile?: string
  /** Show the browser. Default false. */
  isHeaded?: boolean
}

/**
 * Opens a page of the built site in a headless browser, does something with it and closes both.
 * @param use is given the page and the site's address.
 * @throws {BrowserMissingError} when there is no browser and none can be installed.
 */
export async function withPage<T>(
  { path = '', shared, functions = {}, profile, isHeaded = false }: PageOptions,
  use: (page: Page, site: string) => Promise<T>,
): Promise<T> {
  if (!existsSync(SITE_FOLDER))
    throw new Error(`expected the built site in ${SITE_FOLDER}, found none; run npm run build`)
  const kept = profile === undefined ? undefined : openProfile(profile)
  try {
    const server = await serveSite(SITE_FOLDER, kept?.port, shared).catch((cause: unknown) => {
      if (!(cause instanceof PortInUseError) || !profile) throw cause
      const message = `${profile}: expected port ${kept?.port}, to which what is kept there belongs, to be free, got one that another program uses: end it, or choose another --out`
      throw new Error(message, { cause })
    })
    kept?.keepPort(Number(new URL(server.url).port))
    try {
      const { executablePath, args } = browserLaunch(provideBrowser())
      const browser = await puppeteer.launch({
        executablePath,
        args,
        ...(kept ? { userDataDir: kept.folder } : {}),
        headless: !isHeaded,
        defaultViewport: null,
        pipe: true,
        // The browser would keep copies of all that the page reads.
        networkEnabled: false,
        // A call takes as long as its job.
        protocolTimeout: 0,
        // A signal is this program's to answer: the browser lives on until what it did is saved.
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      })
      try {
        const page = (await browser.pages())[0] ?? (await browser.newPage())
        for (const [name, call] of Object.entries(functions)) await page.exposeFunction(name, call)
        const crash = crashOf(page)
        await page.goto(server.url + path)
        return await Promise.race([use(page, server.url), crash])
      } finally {
        await browser.close()
      }
    } finally {
      await server.close()
    }
  } finally {
    kept?.release()
  }
}

/** Is rejected when the page's process ends by itself, whereupon calls into it would wait forever. */
function crashOf(page: Page): Promise<never> {
  const crash = new Promise<never>((_, reject) => {
    page.once('error', (cause: unknown) =>
      reject(
        new Error(
          'the browser ended the page, most likely for want of memory; close other programs or ask for less, and give the command again',
          { cause },
        ),
      ),
    )
  })
  crash.catch(() => {})
  return crash
}
