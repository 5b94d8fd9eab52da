import { afterEach, expect, test, vi } from 'vitest'
import { CopyLink } from '../../src/ui/copy-link.ts'

afterEach(() => {
  vi.restoreAllMocks()
  document.body.replaceChildren()
})

async function show(): Promise<CopyLink> {
  const element = new CopyLink()
  element.link = async () => 'https://example.org/#recipe=x'
  document.body.append(element)
  await element.updateComplete
  element.shadowRoot?.querySelector('button')?.click()
  return element
}

test('a link goes to the clipboard, and that is told', async () => {
  const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
  const element = await show()
  await expect.poll(() => element.shadowRoot?.querySelector('[role=status]')?.textContent).toBe('Copied.')
  expect(write).toHaveBeenCalledWith('https://example.org/#recipe=x')
})

test('where the clipboard is closed to the page the link is shown, to be copied by hand', async () => {
  vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new DOMException('no', 'NotAllowedError'))
  const element = await show()
  await expect
    .poll(() => element.shadowRoot?.querySelector('input')?.value)
    .toBe('https://example.org/#recipe=x')
})
