import { css, html, LitElement, nothing } from 'lit'
import type { UnmatchedEdit } from '../method/pair-edits.ts'
import { editsOf, isSame, withoutEdit } from './pair-edits-draft.ts'
import './picture-thumb.ts'
import { type Json, withValueAt } from './recipe-draft.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

const KINDS = { strike: 'Struck out', flip: 'Flipped', add: 'Added' } as const

/**
 * `<pair-edits-list>`: a recipe's edits by hand, the latest first, with what of them finds nothing, each to be undone. A
 * `recipe` event (`CustomEvent<Json>`) carries the recipe without it.
 */
export class PairEditsList extends LitElement {
  static override properties = {
    thumbnails: { attribute: false },
    recipe: { attribute: false },
    unmatched: { attribute: false },
    locked: { type: Boolean },
  }
  declare thumbnails: Thumbnails | undefined
  declare recipe: Json
  /** Edits that would find nothing. */
  declare unmatched: readonly UnmatchedEdit[]
  declare locked: boolean

  constructor() {
    super()
    this.recipe = {}
    this.unmatched = []
  }

  override render() {
    const edits = editsOf(this.recipe)
    if (edits.length === 0) return nothing
    return html`<section aria-label="Edits by hand">
      <div class="row">
        <h3>${edits.length} ${edits.length === 1 ? 'edit' : 'edits'} by hand</h3>
        <button
          class="quiet small"
          ?disabled=${this.locked}
          @click=${() => this.#tell(withValueAt(this.recipe, 'pair.edits', undefined))}
        >
          Undo all
        </button>
      </div>
      <p class="small soft">The recipe keeps them. A run with them makes pairs and what follows anew, nothing before.</p>
      <ul>
        ${[...edits].reverse().map((edit) => this.#edit(edit))}
      </ul>
    </section>`
  }

  #edit(edit: UnmatchedEdit['edit']) {
    const { edit: kind, imageHash, chosen, rejected, round = 1 } = edit
    const lost = this.unmatched.find((other) => isSame(other.edit, edit))
    return html`<li>
      <picture-thumb .thumbnails=${this.thumbnails} .hash=${imageHash} .name=${'picture'}></picture-thumb>
      <span>
        <b>${KINDS[kind]}:</b> “${chosen.trim() || 'ends here'}” <span class="soft">over</span> “${rejected.trim() || 'ends here'}”
        ${round > 1 ? html`<span class="soft">in round ${round}</span>` : nothing}
        ${lost ? html`<span class="problem">changes nothing: ${lost.why}</span>` : nothing}
      </span>
      <button
        class="quiet small"
        ?disabled=${this.locked}
        aria-label=${`Undo: ${KINDS[kind]} ${chosen.trim() || 'ends here'}`}
        @click=${() => this.#tell(withoutEdit(this.recipe, edit))}
      >
        Undo
      </button>
    </li>`
  }

  #tell(recipe: Json): void {
    this.dispatchEvent(new CustomEvent('recipe', { detail: recipe, bubbles: true, composed: true }))
  }

  static override styles = [
    sharedStyles,
    css`
      section { padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 11px; background: var(--paper); }
      h3 { font-size: 1rem; font-weight: 600; }
      ul { max-height: 16rem; margin: 0.5rem 0 0; padding: 0; overflow-y: auto; list-style: none; }
      li {
        display: grid;
        grid-template-columns: 2.5rem 1fr auto;
        gap: 0.75rem;
        align-items: center;
        padding: 0.375rem 0;
        border-top: 1px solid var(--line);
        font-size: 0.9375rem;
        line-height: 1.4;
        overflow-wrap: anywhere;
      }
      li .problem { display: block; }
    `,
  ]
}

customElements.define('pair-edits-list', PairEditsList)
