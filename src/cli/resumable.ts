import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isResumable } from '../pipeline/open-run.ts'
import { type HeadlessSession, PageError, withHeadless } from './headless.ts'
import { PageLostError } from './page.ts'
import { ProgressLine } from './progress.ts'
import { RunDisplay } from './run-display.ts'
import { stopOnSignal } from './stop-signal.ts'

/** Where the browser keeps what was made so far, below the folder for results. */
export const BROWSER_FOLDER = '.browser'

export interface ResumableWork {
  /** Folder for results, made where there is none; the page may read it too. */
  readonly out: string
  /** Folders to read, by name. */
  readonly read: Readonly<Record<string, string>>
  /** What may be written below `out`. */
  readonly names: readonly (string | RegExp)[]
  /** Show the browser. Default false. */
  readonly isHeaded?: boolean
}

/**
 * Has the pipeline do something in a browser that keeps what it has made, and shows how it goes.
 * @returns undefined when it was broken off, found the disk full, or lost its device or its page: the same command goes on where it was.
 */
export async function runResumably<T>(
  { out, read, names, isHeaded = false }: ResumableWork,
  work: (session: HeadlessSession) => Promise<T>,
): Promise<T | undefined> {
  mkdirSync(out, { recursive: true })
  const line = new ProgressLine(process.stderr)
  const display = new RunDisplay(line)
  const result = await withHeadless(
    { read: { ...read, out }, write: { folder: out, names } },
    (event) => {
      if (event.kind === 'run') display.show(event.event)
    },
    async (session) => {
      const stop = stopOnSignal(session, line)
      try {
        return { value: await work(session) }
      } catch (error) {
        const ended = endOf(error, stop.isAsked)
        if (ended === 'failed') throw error
        if (ended === 'interrupted') line.say((error as Error).message)
        return undefined
      } finally {
        stop.release()
      }
    },
    { profile: join(out, BROWSER_FOLDER), isHeaded },
  )
  line.end()
  if (!result) line.say('stopped; the same command continues')
  return result?.value
}

/** How work ended that threw: what was asked to stop, found the disk full, or lost its device or its page goes on where it was. */
export function endOf(error: unknown, isStopAsked: boolean): 'stopped' | 'interrupted' | 'failed' {
  if (error instanceof PageLostError) return 'interrupted'
  if (!(error instanceof PageError)) return 'failed'
  if (isResumable(error)) return 'interrupted'
  return isStopAsked && error.name === 'AbortError' ? 'stopped' : 'failed'
}
