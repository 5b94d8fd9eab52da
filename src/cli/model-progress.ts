import type { HeadlessEvent, LoadOptions } from '../pipeline/headless.ts'
import type { ProgressLine } from './progress.ts'
import type { WeightsFlag } from './requests.ts'

/** How a model is to be loaded, from a command line's flags. */
export function loadOptions({
  weights,
  memory,
  recompute,
}: {
  readonly weights?: WeightsFlag
  readonly memory?: number
  readonly recompute?: boolean
}): LoadOptions {
  return {
    ...(weights === undefined ? {} : { weights }),
    ...(memory === undefined ? {} : { budgetBytes: memory * 2 ** 20 }),
    ...(recompute ? { recompute } : {}),
  }
}

/**
 * Shows what memory a model will take, its loading, and on which adapter it runs.
 * @param note said of the memory. Default nothing.
 */
export function showLoading(line: ProgressLine, event: HeadlessEvent, note = ''): void {
  if (event.kind === 'loading') {
    const { done, total, bytesRead } = event
    line.show('loading', `${done}/${total} tensors, ${Math.round(bytesRead / 2 ** 20)} MiB`, done === total)
  } else if (event.kind === 'plan') {
    line.say(`GPU memory${note}:\n${event.plan.table.replace(/^/gm, '  ')}`)
  } else if (event.kind === 'loaded') {
    const { architecture, adapter } = event.info
    const name = [adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(' ')
    line.say(
      `${architecture} on ${name || 'an adapter without a name'}${adapter.isSoftware ? ' (software)' : ''}`,
    )
  }
}
