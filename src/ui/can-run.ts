import type { DoctorCard } from './doctor-card.ts'

/** Beside what cannot be pressed where nothing can be run. */
export const CANNOT_RUN =
  'Nothing can be run in this browser, as said above. Runs that are here can be opened and looked at.'

/** What the doctor's card on this page says: whether anything can be run in this browser. */
export async function canRun(): Promise<boolean> {
  const diagnosis = await document.querySelector<DoctorCard>('doctor-card')?.finished
  return diagnosis?.verdict.level !== 'blocked'
}
