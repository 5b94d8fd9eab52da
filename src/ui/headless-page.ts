import {
  createHeadless,
  type Headless,
  type HeadlessEvent,
  type HeadlessResult,
} from '../pipeline/headless.ts'

/** What page and command line see of each other. */
interface Bridge {
  /** Put there by the command line before the page loads. */
  clipDpoReport?: (event: HeadlessEvent) => Promise<void>
  clipDpo?: (method: keyof Headless, job: unknown) => Promise<HeadlessResult>
}

const bridge = globalThis as Bridge
let reported: Promise<unknown> = Promise.resolve()
const headless = createHeadless(
  (event) => {
    reported = Promise.all([reported, bridge.clipDpoReport?.(event)])
  },
  async (view) => (await import('./report.ts')).renderReport(view), // with Plot, which only runs need
)

bridge.clipDpo = async (method, job) => {
  try {
    const value = await (headless[method] as (job: unknown) => Promise<unknown>)(job)
    await reported // a call ends after all it has reported
    return { ok: true, value }
  } catch (error) {
    if (!(error instanceof Error)) return { ok: false, name: 'Error', message: String(error) }
    return { ok: false, name: error.name, message: error.message }
  }
}
