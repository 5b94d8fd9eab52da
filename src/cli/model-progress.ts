import type { HeadlessEvent } from '../pipeline/headless.ts'
import type { ProgressLine } from './progress.ts'

/** Shows the loading of a model, and on which adapter it runs. */
export function showLoading(line: ProgressLine, event: HeadlessEvent): void {
  if (event.kind === 'loading') {
    const { done, total, bytesRead } = event
    line.show('loading', `${done}/${total} tensors, ${Math.round(bytesRead / 2 ** 20)} MiB`, done === total)
  } else if (event.kind === 'loaded') {
    const { architecture, adapter } = event.info
    const name = [adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(' ')
    line.say(
      `${architecture} on ${name || 'an adapter without a name'}${adapter.isSoftware ? ' (software)' : ''}`,
    )
  }
}
