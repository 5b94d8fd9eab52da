import { html, type TemplateResult } from 'lit'

/**
 * A word with one plain sentence that explains it, shown on hover and on keyboard focus and told by screen readers.
 * @param id of the explanation; once in a document.
 */
export function explained(id: string, word: string, sentence: string): TemplateResult {
  return html`<span class="explained" tabindex="0" aria-describedby="explain-${id}">${word}<span
      class="explanation" role="tooltip" id="explain-${id}" aria-hidden="true">${sentence}</span></span>`
}
