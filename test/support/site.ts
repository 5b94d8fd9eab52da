import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { createBuilder } from 'vite'
import { provideBrowser } from '../../src/cli/browser.ts'
import { browserLaunch } from '../../src/cli/launch.ts'
import { type SiteServer, serveSite } from '../../src/cli/server.ts'
import type { RunState } from '../../src/ui/run-state.ts'

/** Where below its server's root the site lies: it must work under any path. */
const PLACE = 'some/where'

export const MINUTES = 60_000

/** A recipe that comes with the site. */
export function recipeNamed(name: string): Record<string, object> {
  return JSON.parse(readFileSync(`recipes/${name}.json`, 'utf8')) as Record<string, object>
}

export const TINY = recipeNamed('tiny')

/** The tiny recipe with fewer steps, measured on less: for tests of what can be done with a run, whatever it comes to. */
export const TINIEST = {
  ...TINY,
  train: { ...TINY.train, max_steps: 2 },
  evaluate: {
    ...TINY.evaluate,
    dataset: { source: 'embedded:emoji-scenes/heldout', limit: 2 },
    questions: 0,
    clean_captions: 2,
    bootstrap: 10,
  },
}

/** The built site, served, in a browser that keeps what it stores until it is closed. */
export interface OpenSite {
  readonly url: string
  readonly context: BrowserContext
  /** Where the site's files lie. */
  readonly folder: string
  /**
   * Loads the site's page anew, at a recipe where one is given.
   * @param page default a new one.
   */
  visit(recipe?: unknown, page?: Page): Promise<Page>
  /** From now on nothing answers. */
  stopServer(): Promise<void>
  /** @throws {Error} when a page left an error unhandled. */
  close(): Promise<void>
}

export interface SiteOptions {
  /** Default the command line's server, which isolates pages. */
  readonly serve?: (folder: string) => Promise<SiteServer>
  /** Flags of the browser beside those that it needs. Default none. */
  readonly flags?: readonly string[]
}

/** Builds the site as `npm run build` does and opens a browser for it. */
export async function openSite({ serve = serveSite, flags = [] }: SiteOptions = {}): Promise<OpenSite> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'))
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await buildSite(root, join(folder, 'site', PLACE))
  const server = await serve(join(folder, 'site'))
  const launch = browserLaunch(provideBrowser())
  const options = {
    ...launch,
    args: [...launch.args, ...flags],
    headless: true,
    viewport: { width: 1280, height: 720 },
  }
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), options)
  const problems: string[] = []
  context.on('weberror', (problem) => problems.push(problem.error().message))
  const url = `${server.url}${PLACE}/`
  return {
    url,
    context,
    folder: join(folder, 'site', PLACE),
    async visit(recipe, page) {
      const visited = page ?? (await context.newPage())
      await visited.goto('about:blank') // another fragment alone loads nothing anew
      await visited.goto(recipe === undefined ? url : url + fragmentOf(recipe))
      return visited
    },
    stopServer: () => server.close(),
    async close() {
      await context.close()
      await server.close().catch(() => {}) // it may have been stopped
      rmSync(folder, { recursive: true, force: true })
      if (problems.length > 0)
        throw new Error(`expected no error left unhandled on the page, got ${problems.join('; ')}`)
    },
  }
}

/** The names of the scripts that a page of the site loads before anything is asked for: its own, and what these import. */
export function initialScripts(folder: string, page = 'index.html'): string[] {
  const html = readFileSync(join(folder, page), 'utf8')
  const found = new Set<string>()
  const waiting = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map(([, name]) => name as string)
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue
    found.add(name)
    const script = readFileSync(join(folder, name), 'utf8')
    // As the bundler writes them: `import{a}from"./b.js"`, `import"./b.js"` and `export*from"./b.js"`, but not `import("./b.js")`.
    for (const [, path] of script.matchAll(/(?:\bfrom|\bimport)\s*["'](\.[^"']+)["']/g))
      waiting.push(posix.join(posix.dirname(name), path as string))
  }
  return [...found]
}

async function buildSite(root: string, outDir: string): Promise<void> {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production' // Vitest's own would build what nobody gets
  try {
    const builder = await createBuilder({ root, logLevel: 'error' })
    const client = builder.environments.client
    if (!client) throw new Error('expected the environment client')
    client.config.build.outDir = outDir
    await builder.build(client)
  } finally {
    process.env.NODE_ENV = before
  }
}

/** The fragment that carries a recipe, as the page writes it. */
export function fragmentOf(recipe: unknown): string {
  return `#recipe=${deflateRawSync(JSON.stringify(recipe)).toString('base64url')}`
}

/** What the page says of its run. */
export async function runState(page: Page): Promise<RunState> {
  return await page.evaluate(() => {
    const found = document.querySelector('app-page') as unknown as {
      model: { controller: { state: RunState } }
    }
    return found.model.controller.state
  })
}

/** Waits until a run's state is as wanted. @throws {Error} with the state after so many milliseconds. */
export async function untilRun(
  page: Page,
  test: (state: RunState) => boolean,
  ms = 300_000,
): Promise<RunState> {
  const start = Date.now()
  for (;;) {
    const state = await runState(page)
    if (test(state)) return state
    if (state.status === 'failed') throw new Error(`the run failed: ${state.problem}`)
    if (Date.now() - start > ms)
      throw new Error(`expected another state within ${ms} ms, got ${JSON.stringify(state)}`)
    await page.waitForTimeout(200)
  }
}

/** How each output came to be, such as `caption done`. */
export function partsOf({ parts }: RunState): string[] {
  return parts.map(({ stage, part, state }) => [stage, part, state].filter(Boolean).join(' '))
}

/** All text inside the components a selector finds, on one line. */
export async function textWithin(page: Page, selector: string): Promise<string> {
  const texts = await page
    .locator(selector)
    .evaluateAll((found) => found.map((one) => one.shadowRoot?.textContent ?? '').join(' '))
  return texts.replace(/\s+/g, ' ')
}

/** PNG files of pictures that a page draws, no two alike, to be given to a field. */
export async function drawPictures(
  page: Page,
  count: number,
): Promise<{ readonly name: string; readonly mimeType: string; readonly buffer: Buffer }[]> {
  const drawn = await page.evaluate(async (count) => {
    const made: number[][] = []
    for (let i = 0; i < count; i++) {
      const canvas = new OffscreenCanvas(96, 96)
      const context = canvas.getContext('2d')
      if (!context) throw new Error('expected a canvas')
      context.fillStyle = `hsl(${(360 * i) / count} 80% 60%)`
      context.fillRect(8 * i, 8, 40, 60)
      made.push([...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())])
    }
    return made
  }, count)
  return drawn.map((bytes, i) => ({
    name: `own ${i}.png`,
    mimeType: 'image/png',
    buffer: Buffer.from(bytes),
  }))
}

/** Drops files and folders of the disk on a place of a page, as a hand does. @param paths from the working directory. */
export async function dropFiles(zone: Locator, ...paths: string[]): Promise<void> {
  await zone.scrollIntoViewIfNeeded()
  const box = await zone.boundingBox()
  if (!box) throw new Error('expected the place to drop files on in sight')
  const page = zone.page()
  const session = await page.context().newCDPSession(page)
  const at = { x: box.x + box.width / 2, y: box.y + 12 }
  const data = { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...at, data })
  await session.detach()
}
