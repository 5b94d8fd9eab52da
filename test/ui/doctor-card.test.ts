import { afterEach, expect, test, vi } from 'vitest'
import { DoctorCard } from '../../src/ui/doctor-card.ts'

afterEach(() => {
  vi.restoreAllMocks()
  document.body.replaceChildren()
})

async function show(): Promise<{ card: DoctorCard; text: string }> {
  const card = new DoctorCard()
  document.body.append(card)
  await card.finished
  await card.updateComplete
  return { card, text: card.shadowRoot?.textContent ?? '' }
}

test('shows the verdict as a status and what was found as a table with headed rows', async () => {
  const { card, text } = await show()
  const diagnosis = await card.finished
  expect(card.shadowRoot?.querySelector('[role=status] h2')?.textContent).toContain(
    diagnosis.verdict.headline,
  )
  for (const note of diagnosis.verdict.notes) expect(text).toContain(note)
  const rows = [...(card.shadowRoot?.querySelectorAll('tr') ?? [])]
  expect(rows.length).toBeGreaterThan(8)
  for (const row of rows) expect(row.querySelector('th[scope=row]')?.textContent).not.toBe('')
})

test('without WebGPU says so and names browsers that have it', async () => {
  vi.spyOn(Navigator.prototype, 'gpu', 'get').mockReturnValue(undefined as unknown as GPU)
  const { text } = await show()
  expect(text).toContain('WebGPU is missing.')
  expect(text).toContain('Chrome or Edge 113')
})
