import type { RunView } from '../pipeline/run-view.ts'

/** Where a report keeps the run it shows, as JSON that a browser neither shows nor runs. */
const PLACE = 'run'

/** A file is no report from which a run can be read. */
export class ReportError extends Error {
  override readonly name = 'ReportError'
}

/** Puts what a report shows into its document, so that it can be read again. */
export function keepRun(page: Document, view: RunView): void {
  const kept = page.createElement('template')
  kept.id = PLACE
  kept.content.append(JSON.stringify(view))
  page.body.append(kept)
}

/**
 * The run of a report, which may come from anywhere: pictures that would be fetched from elsewhere are left out.
 * @throws {ReportError}
 */
export function runOfReport(html: string): RunView {
  const kept = new DOMParser().parseFromString(html, 'text/html').querySelector(`template#${PLACE}`)
  const text = kept instanceof HTMLTemplateElement ? kept.content.textContent : null
  try {
    const run = JSON.parse(text ?? '', ownPictures) as RunView | null
    if (run?.recipe && run.summary && run.rounds) return run
  } catch {
    // told below
  }
  throw new ReportError(
    'expected a report.html that this page or `clip-dpo run` wrote, found no run in the file: one of an older version has to be made anew',
  )
}

function ownPictures(key: string, value: unknown): unknown {
  return key === 'thumbnail' && !String(value).startsWith('data:image/') ? undefined : value
}
