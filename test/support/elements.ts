import type { LitElement } from 'lit'

/** The text an element shows, on one line. */
export function textOf(element: LitElement): string {
  return element.shadowRoot?.textContent?.replace(/\s+/g, ' ') ?? ''
}

/** What an element shows. @throws {Error} when there is none. */
export function find<T extends Element>(element: LitElement, selector: string): T {
  const found = element.shadowRoot?.querySelector<T>(selector)
  if (!found) throw new Error(`expected ${selector}`)
  return found
}

/** A button by its text. @throws {Error} when there is none. */
export function button(element: LitElement, text: RegExp): HTMLButtonElement {
  const found = [...(element.shadowRoot?.querySelectorAll('button') ?? [])].find(({ textContent }) =>
    text.test(textContent),
  )
  if (!found) throw new Error(`expected a button ${text}`)
  return found
}
