import { html, type TemplateResult } from 'lit'

/** A recipe as JSON. */
export function recipeView(recipe: unknown): TemplateResult {
  return html`<div class="recipe">
    <pre tabindex="0" aria-label="Recipe as JSON">${JSON.stringify(recipe, null, 2)}</pre>
  </div>`
}
