import type { HeadlessSession } from './headless.ts'
import type { ProgressLine } from './progress.ts'

/** The first signal ends a training or a run in order, so that the same command continues it; the second at once. */
export function stopOnSignal(
  session: HeadlessSession,
  line: ProgressLine,
): { readonly isAsked: boolean; release(): void } {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const state = { isAsked: false }
  const onSignal = (): void => {
    if (state.isAsked) process.exit(1)
    state.isAsked = true
    line.say('stopping after the step under way; once more to stop at once')
    session.call('stop').catch((error: unknown) => line.say(`could not stop: ${String(error)}`))
  }
  for (const signal of signals) process.on(signal, onSignal)
  return {
    get isAsked() {
      return state.isAsked
    },
    release() {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
