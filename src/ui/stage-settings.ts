import { css, html, LitElement, nothing } from 'lit'
import { live } from 'lit/directives/live.js'
import type { StageName } from '../pipeline/events.ts'
import { type Json, valueAt, withValueAt, withValuesOf } from './recipe-draft.ts'
import { fieldText, fieldValue, type SettingField, switchValue } from './setting-field.ts'
import { SETTINGS } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'

/**
 * `<stage-settings>`: a stage's part of the recipe as a form. A `recipe` event (`CustomEvent<Json>`) carries the recipe as it is
 * after a change.
 */
export class StageSettings extends LitElement {
  static override properties = {
    stage: {},
    recipe: { attribute: false },
    defaults: { attribute: false },
    locked: { type: Boolean },
  }
  declare stage: StageName
  declare recipe: Json
  /** What *Reset* goes back to. */
  declare defaults: Json
  /** While a run is under way. */
  declare locked: boolean

  override render() {
    const fields = SETTINGS[this.stage]
    const changed = fields.filter(
      (field) =>
        fieldText(field, valueAt(this.recipe, field.path)) !==
        fieldText(field, valueAt(this.defaults, field.path)),
    )
    const asked = fields.filter(({ within }) => within === undefined || valueAt(this.recipe, within))
    return html`
      <details>
        <summary>Settings${changed.length > 0 ? html` <span class="soft">(${changed.length} changed)</span>` : nothing}</summary>
        <div class="fields">${asked.map((field) => this.#field(field))}</div>
        <button
          class="quiet"
          ?disabled=${this.locked || changed.length === 0}
          @click=${() =>
            this.#tell(
              withValuesOf(
                this.recipe,
                this.defaults,
                fields.map(({ path }) => path),
              ),
            )}
        >
          Reset to the recipe’s
        </button>
      </details>
    `
  }

  #field(field: SettingField) {
    const { path, label, meaning } = field
    return html`
      <label class=${field.kind} title=${`${path}: ${meaning}`}>
        <span>${label}</span>
        ${this.#control(field)}
        <span class="small soft">${meaning}</span>
      </label>
    `
  }

  #control(field: SettingField) {
    const { path, kind, choices = [], clears = [], min, max, step = 'any', unset = '' } = field
    const value = valueAt(this.recipe, path)
    const set = (text: string): void => {
      const next = fieldValue(field, text, value)
      if (Number.isNaN(next)) return
      const cleared = clears.reduce<Json>((draft, other) => withValueAt(draft, other, undefined), this.recipe)
      this.#tell(withValueAt(cleared, path, next))
    }
    switch (kind) {
      case 'switch':
        return html`<input type="checkbox" ?disabled=${this.locked}
          .checked=${fieldText(field, value) === 'on'}
          @change=${(event: Event) => this.#tell(withValueAt(this.recipe, path, switchValue(field, (event.target as HTMLInputElement).checked)))} />`
      case 'choice':
        return html`<select ?disabled=${this.locked} @change=${(event: Event) => set((event.target as HTMLSelectElement).value)}>
          ${Array.isArray(value) ? html`<option disabled .selected=${live(true)}>${value.join(' + ')}</option>` : nothing}
          ${choices.map((choice, i) => html`<option .selected=${live(value === choice || (value === undefined && i === 0))}>${choice}</option>`)}
        </select>`
      case 'lines':
        return html`<textarea rows="3" ?disabled=${this.locked} .value=${fieldText(field, value)}
          @change=${(event: Event) => set((event.target as HTMLTextAreaElement).value)}></textarea>`
      default:
        return html`<input type=${kind === 'number' || kind === 'step' ? 'number' : 'text'} ?disabled=${this.locked} placeholder=${unset}
          min=${min ?? nothing} max=${max ?? nothing} step=${step}
          .value=${fieldText(field, value)}
          @change=${(event: Event) => set((event.target as HTMLInputElement).value)} />`
    }
  }

  #tell(recipe: Json): void {
    this.dispatchEvent(new CustomEvent('recipe', { detail: recipe, bubbles: true, composed: true }))
  }

  static override styles = [
    sharedStyles,
    css`
      summary { width: fit-content; color: var(--accent); font-size: 0.9375rem; }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr));
        gap: 0.875rem 1.25rem;
        margin: 0.75rem 0 0.5rem;
      }
      label { display: flex; flex-direction: column; gap: 0.1875rem; font-size: 0.9375rem; }
      label.lines { grid-column: 1 / -1; }
      label.switch { align-items: flex-start; }
      label .small { line-height: 1.35; font-size: 0.8125rem; }
      input[type='checkbox'] { width: 1.125rem; height: 1.125rem; margin: 0.5rem 0; }
    `,
  ]
}

customElements.define('stage-settings', StageSettings)
