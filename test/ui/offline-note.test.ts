import { afterEach, expect, test } from 'vitest'
import { OfflineCopy, type ServiceWorkers } from '../../src/ui/offline-copy.ts'
import { OfflineNote } from '../../src/ui/offline-note.ts'

afterEach(() => document.body.replaceChildren())

/** A browser that keeps pages, and what it was asked to keep. */
function browser(isKept = false) {
  const registered: string[] = []
  const registration = Object.assign(new EventTarget(), { installing: new EventTarget() })
  const workers = Object.assign(new EventTarget(), {
    controller: null,
    getRegistration: async () => (isKept ? registration : undefined),
    async register(url: URL) {
      registered.push(url.pathname)
      return registration
    },
  }) as unknown as ServiceWorkers
  return { workers, registered }
}

async function show(copy: OfflineCopy): Promise<() => string> {
  const note = new OfflineNote()
  note.copy = copy
  document.body.append(note)
  await copy.keep('https://host/site/')
  return () => note.shadowRoot?.textContent?.replace(/\s+/g, ' ').trim() ?? ''
}

test('a first visit keeps the page and says how much that is', async () => {
  const { workers, registered } = browser()
  const text = await show(new OfflineCopy(workers, () => {}, false))
  await expect.poll(text).toMatch(/are being kept in this browser \(\d+ MB\)/)
  expect(registered).toEqual(['/site/service-worker.js'])
})

test('where data is saved, nothing is fetched before the visitor asks for it', async () => {
  const { workers, registered } = browser()
  const text = await show(new OfflineCopy(workers, () => {}, true))
  await expect.poll(text).toMatch(/can be kept in this browser \(\d+ MB\)/)
  expect(registered).toEqual([])
  document.querySelector('offline-note')?.shadowRoot?.querySelector('button')?.click()
  await expect.poll(text).toContain('are being kept')
  expect(registered).toHaveLength(1)
})

test('a page that is kept already stays so', async () => {
  const { workers, registered } = browser(true)
  await show(new OfflineCopy(workers, () => {}, true))
  await expect.poll(() => registered).toHaveLength(1)
})
