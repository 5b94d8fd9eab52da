import { html, nothing, type TemplateResult } from 'lit'
import { recipeDiff } from './recipe-diff.ts'

/**
 * A recipe as JSON.
 * @param other another run's, whose differences are listed above it; `name` says whose it is.
 */
export function recipeView(
  recipe: unknown,
  other?: { readonly recipe: unknown; readonly name: string },
): TemplateResult {
  return html`<div class="recipe">
    ${other ? differencesView(recipe, other) : nothing}
    <pre tabindex="0" aria-label="Recipe as JSON">${JSON.stringify(recipe, null, 2)}</pre>
  </div>`
}

function differencesView(
  recipe: unknown,
  other: { readonly recipe: unknown; readonly name: string },
): TemplateResult {
  const found = recipeDiff(recipe, other.recipe)
  if (found.length === 0) return html`<p class="note">The recipe is the same as that of ${other.name}.</p>`
  return html`<table>
    <caption>
      ${found.length === 1 ? 'One setting differs' : `${found.length} settings differ`}
    </caption>
    <thead>
      <tr>
        <th scope="col">Setting</th>
        <th scope="col">Here</th>
        <th scope="col">${other.name}</th>
      </tr>
    </thead>
    <tbody>
      ${found.map(
        ({ path, first, second }) => html`<tr>
          <th scope="row"><code>${path}</code></th>
          <td><code>${shown(first)}</code></td>
          <td><code>${shown(second)}</code></td>
        </tr>`,
      )}
    </tbody>
  </table>`
}

const shown = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value))
