import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { provideBrowser } from '../../src/cli/browser.ts'
import { browserLaunch } from '../../src/cli/launch.ts'
import type { Kind } from '../../src/store/kinds.ts'

/**
 * Turns over one bit of the first stored value of a kind, past all checks, as a bad disk would.
 * @param page of the site whose storage it is. @param last what the value's key ends in, such as a unit's name. Default any.
 * @returns the value's key.
 */
export async function damageStored(page: Page, kind: Kind, last?: string | number): Promise<string> {
  return await page.evaluate(
    async ([name, end]) => {
      const finished = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
      const database = await finished(indexedDB.open(name))
      const store = database.transaction('values', 'readwrite').objectStore('values')
      const keys = await finished(store.getAllKeys(IDBKeyRange.bound(['value'], ['value', []])))
      const key = (keys as (string | number)[][]).find((one) => end === undefined || one.at(-1) === end)
      if (!key) throw new Error(`expected a value in ${name} that ends in ${end}, found none`)
      const bytes: Uint8Array = await finished(store.get(key))
      const at = bytes.length - 1
      bytes[at] = (bytes[at] ?? 0) ^ 1
      await finished(store.put(bytes, key))
      database.close()
      return key.slice(1).join('/')
    },
    [`clip-dpo.${kind}`, last] as const,
  )
}

/** The steps after which a training's state is kept. @param page of the site whose storage it is. */
export async function checkpointSteps(page: Page): Promise<number[]> {
  return await page.evaluate(
    (name) =>
      new Promise<number[]>((resolve, reject) => {
        const opening = indexedDB.open(name)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const store = opening.result.transaction('values').objectStore('values')
          const listing = store.getAllKeys(IDBKeyRange.bound(['value'], ['value', []]))
          listing.onerror = () => reject(listing.error)
          listing.onsuccess = () => {
            opening.result.close()
            const keys = listing.result as (string | number)[][]
            resolve(keys.filter((key) => key.at(-2) === 'checkpoint').map((key) => key.at(-1) as number))
          }
        }
      }),
    'clip-dpo.checkpoints' satisfies `clip-dpo.${Kind}`,
  )
}

/** Opens what a command's browser has stored for a folder of results, without the site and its code. */
export async function withStored<T>(out: string, use: (page: Page) => Promise<T>): Promise<T> {
  const folder = join(out, '.browser')
  const origin = `http://localhost:${readFileSync(join(folder, 'port'), 'utf8')}/`
  const options = { ...browserLaunch(provideBrowser()), headless: true }
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), options)
  try {
    const page = await context.newPage()
    await page.route('**', (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }))
    await page.goto(origin)
    return await use(page)
  } finally {
    await context.close()
  }
}
