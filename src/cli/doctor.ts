import type { Diagnosis } from '../gpu/doctor.ts'
import { withPage } from './page.ts'

/** What the start page's `<doctor-card>` offers besides what it shows. */
interface Patient {
  finished: Promise<Diagnosis>
}

/** A page whose GPU process hangs never answers. */
const PATIENCE_MS = 60_000

/** The diagnosis that the page makes of itself in a headless browser. @throws when it takes longer than a minute. */
export function diagnoseHeadless(): Promise<Diagnosis> {
  return withPage({}, ({ page, answer }) => {
    const diagnosis = page.$eval('doctor-card', async (card) => {
      await customElements.whenDefined('doctor-card')
      return (card as unknown as Patient).finished
    })
    return within(PATIENCE_MS, answer(diagnosis))
  })
}

async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the page gave no diagnosis within ${limitMs / 1000} s`)),
      limitMs,
    )
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** A diagnosis as text for a terminal. */
export function describeDiagnosis(diagnosis: Diagnosis): string {
  const { verdict, adapter } = diagnosis
  const name = adapter
    ? [adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(', ')
    : ''
  const lines = [
    verdict.headline,
    ...(name ? [`Adapter: ${name}`] : []),
    ...verdict.notes.map((note) => `- ${note}`),
  ]
  return lines.join('\n')
}
