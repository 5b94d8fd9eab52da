import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import puppeteer, { type Browser, type Page, ProtocolError } from 'puppeteer-core'
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

/** The page ended by itself, or its window was closed; what it has kept is kept. */
export class PageLostError extends Error {
  override readonly name = 'PageLostError'
}

/** A page of the built site. */
export interface OpenPage {
  readonly page: Page
  /** The site's address. */
  readonly site: string
  /** Waits for something the page does. @throws {PageLostError} when the page ends before. */
  readonly answer: <T>(of: Promise<T>) => Promise<T>
}

/** A browser that has not closed by then is killed. */
const CLOSING_MS = 10_000

/**
 * Opens a page of the built site in a headless browser, does something with it and closes both.
 * @throws {BrowserMissingError} when there is no browser and none can be installed.
 */
export async function withPage<T>(
  { path = '', shared, functions = {}, profile, isHeaded = false }: PageOptions,
  use: (open: OpenPage) => Promise<T>,
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
        // Otherwise the browser keeps copies of all that the page reads, 100 MB and more. Playwright cannot do without.
        networkEnabled: false,
        // A call into the page takes as long as its job.
        protocolTimeout: 0,
        // A signal is this program's to answer: the browser lives on until what it did is saved.
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      })
      try {
        const page = (await browser.pages())[0] ?? (await browser.newPage())
        for (const [name, call] of Object.entries(functions)) await page.exposeFunction(name, call)
        const answer = answering(page)
        await page.goto(server.url + path)
        return await use({ page, site: server.url, answer })
      } finally {
        await close(browser)
      }
    } finally {
      await server.close()
    }
  } finally {
    kept?.release()
  }
}

/** How to wait for a page: of one that crashes Puppeteer tells by an event alone, and calls into it would wait forever. */
function answering(page: Page): OpenPage['answer'] {
  const crash = new Promise<never>((_, reject) => {
    page.once('error', (cause) =>
      reject(
        new PageLostError(
          'the browser ended the page, most likely for want of memory; close other programs or ask for less',
          { cause },
        ),
      ),
    )
  })
  crash.catch(() => {}) // nobody may be waiting
  return async (of) => {
    try {
      return await Promise.race([of, crash])
    } catch (cause) {
      if (cause instanceof ProtocolError && / closed/.test(cause.message))
        throw new PageLostError('the browser or its window was closed', { cause })
      throw cause
    }
  }
}

/** Closes a browser; one whose GPU hangs may never answer. */
async function close(browser: Browser): Promise<void> {
  const timer = setTimeout(() => browser.process()?.kill('SIGKILL'), CLOSING_MS)
  try {
    await browser.close()
  } finally {
    clearTimeout(timer)
  }
}
