import type { Headless, HeadlessEvent, HeadlessResult } from '../pipeline/headless.ts'
import { type SharedFolders, shareFolders } from './files.ts'
import { type PageOptions, withPage } from './page.ts'

/** A failure inside the page, by the name it had there. */
export class PageError extends Error {
  override readonly name: string

  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

/** The pipeline running in a headless browser, with folders of this computer within its reach. */
export interface HeadlessSession {
  /** The address of a shared folder, or of a file in it; `out` is the folder for results. */
  url(folder: string, path?: string): string
  /** Calls the pipeline. @throws {PageError} with the name and message of the error there. @throws {PageLostError} */
  call<M extends keyof Headless>(
    method: M,
    ...job: Parameters<Headless[M]>
  ): Promise<Awaited<ReturnType<Headless[M]>>>
}

/**
 * Opens the page that runs models, shares folders with it, does something with it and closes it.
 * @param options.profile folder for what the page stores. Default: nothing is kept.
 */
export async function withHeadless<T>(
  folders: SharedFolders,
  onEvent: (event: HeadlessEvent) => void,
  use: (session: HeadlessSession) => Promise<T>,
  options: Pick<PageOptions, 'profile' | 'isHeaded'> = {},
): Promise<T> {
  const { secret, handle } = shareFolders(folders)
  const prepare = { ...options, path: 'headless.html', shared: handle, functions: { clipDpoReport: onEvent } }
  return await withPage(prepare, async ({ page, site, answer }) => {
    // A module script runs after the page has loaded; one that fails never gets there.
    await answer(page.waitForFunction(() => 'clipDpo' in globalThis, { timeout: 60_000 }))
    return await use({
      url: (folder, path = '') =>
        `${site}${[secret, folder, ...path.split('/')].map(encodeURIComponent).join('/')}`,
      async call(method, ...[job]) {
        const result = await answer(
          page.evaluate(
            (method: unknown, job: unknown) =>
              (globalThis as unknown as { clipDpo(m: unknown, j: unknown): Promise<HeadlessResult> }).clipDpo(
                method,
                job,
              ),
            method,
            job,
          ),
        )
        if (!result.ok) throw new PageError(result.name, result.message)
        return result.value as never
      },
    })
  })
}
