import type { Diagnosis } from '../gpu/doctor.ts'
import { withPage } from './page.ts'

/** What the start page's `<doctor-card>` offers besides what it shows. */
interface Patient {
  finished: Promise<Diagnosis>
}

/** The diagnosis that the page makes of itself in a headless browser. */
export function diagnoseHeadless(): Promise<Diagnosis> {
  return withPage((page) =>
    page.locator('doctor-card').evaluate(async (card) => {
      await customElements.whenDefined('doctor-card')
      return (card as unknown as Patient).finished
    }),
  )
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
