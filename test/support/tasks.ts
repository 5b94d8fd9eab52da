import type { CDPSession, Page } from 'playwright-core'

/** What the page's own thread did while it was watched. */
export interface Tasks {
  readonly count: number
  /** Processor time of the longest task, in milliseconds. */
  readonly longestMs: number
}

/** The part of a trace event that is read; times in microseconds, `tdur` of the thread's own processor time. */
interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/**
 * Watches every task of the page's main thread while something happens. A task is what the thread does without a break:
 * scripts and what they make the browser do, style, layout, paint and garbage collection included. It is measured by the
 * processor time that the thread got, from Chrome's trace: on a busy machine a task lasts ten times as long by the clock, since
 * the thread waits for a processor, and that is no fault of the page.
 */
export async function tasksWhile(page: Page, work: () => Promise<void>): Promise<Tasks> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['__metadata', 'disabled-by-default-devtools.timeline'] },
  })
  try {
    await work()
  } finally {
    await ended(session)
  }
  await session.detach()
  const key = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map((event) => key(event)),
  )
  const times = events
    .filter((event) => event.name === 'RunTask' && event.ph === 'X' && mains.has(key(event)))
    .map(({ tdur = 0 }) => tdur / 1000)
  return { count: times.length, longestMs: times.reduce((most, time) => Math.max(most, time), 0) }
}

async function ended(session: CDPSession): Promise<void> {
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
}
