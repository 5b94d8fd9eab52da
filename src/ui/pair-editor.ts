import { css, html, nothing, type PropertyValues } from 'lit'
import { live } from 'lit/directives/live.js'
import { groupBy } from '../method/group.ts'
import { isStop } from '../method/scores.ts'
import type { PictureTexts } from '../pipeline/runner.api.ts'
import type { GridPicture } from './dataset-grid.ts'
import './dataset-grid.ts'
import { editOf, editsOf, isSame, withEdit } from './pair-edits-draft.ts'
import { PairElement } from './pair-element.ts'
import { pairMark } from './pair-marks.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { pairsView } from './views/pairs.ts'

type Text = PictureTexts['candidates'][number]

/**
 * `<pair-editor>`: one picture's pairs, to strike out or flip, and its candidates, of which two make another pair.
 */
export class PairEditor extends PairElement {
  static override properties = {
    picture: { state: true },
    texts: { state: true },
    choice: { state: true },
    chosen: { state: true },
    rejected: { state: true },
  }
  declare picture: GridPicture | undefined
  declare texts: PictureTexts | undefined
  /** Which prompt (and beginning) another pair is made of, by its place. */
  declare choice: number
  declare chosen: string | undefined
  declare rejected: string | undefined

  constructor() {
    super()
    this.choice = 0
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('datasetHash')) void this.#chooseFirst()
    if ((['run', 'round', 'picture', 'news'] as const).some((name) => changed.has(name))) void this.#load()
    if (changed.has('picture')) {
      this.texts = undefined
      this.#begin(0)
    }
  }

  override render() {
    const { picture } = this
    return html`
      <dataset-grid
        .runner=${this.runner}
        .thumbnails=${this.thumbnails}
        .hash=${this.datasetHash}
        .selected=${picture?.hash ?? ''}
        @picture=${this.#picked}
      ></dataset-grid>
      ${picture && this.texts ? this.#ofPicture(picture, this.texts) : nothing}
    `
  }

  #ofPicture(picture: GridPicture, { pairs, candidates }: PictureTexts) {
    const { recipe, round, locked } = this
    const marks = { recipe, round, locked, tell: this.tell }
    return html`
      <div class="picture">
        <picture-thumb .thumbnails=${this.thumbnails} .hash=${picture.hash} .name=${picture.name}></picture-thumb>
        <p>
          <b>${picture.name}</b>${picture.truth ? html`<br /><span class="soft">shows ${picture.truth.truth.join(', ')}</span>` : nothing}
        </p>
      </div>
      ${
        pairs.length === 0
          ? html`<p class="soft">The rules made no pair of this picture.</p>`
          : pairsView({ count: pairs.length, pairs }, (pair) => pairMark(pair, marks))
      }
      ${this.#adding(picture, candidates, pairs)}
    `
  }

  #adding(picture: GridPicture, candidates: readonly Text[], pairs: PictureTexts['pairs']) {
    const groups = [
      ...groupBy(candidates, ({ prompt, context }) => JSON.stringify([prompt, context])).values(),
    ]
    const group = groups[this.choice] ?? []
    const first = group[0]
    if (!first) return html`<p class="soft">Nothing has been written about this picture.</p>`
    const texts = [...groupBy(group, ({ text }) => text).values()].flatMap((same) => same[0] ?? [])
    const sorted = texts.sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity))
    const { chosen, rejected } = this
    const isWhole = chosen !== undefined && rejected !== undefined && chosen !== rejected
    const edit = isWhole
      ? editOf('add', { ...first, imageHash: picture.hash, chosen, rejected }, this.round)
      : undefined
    const isAdded = edit !== undefined && editsOf(this.recipe).some((known) => isSame(known, edit))
    const isMade =
      edit !== undefined && pairs.some((pair) => isSame(editOf('add', pair, this.round), edit)) && !isAdded
    return html`<fieldset ?disabled=${this.locked}>
      <legend>Add a pair</legend>
      <label class="prompt">Prompt
        <select @change=${(event: Event) => this.#begin((event.target as HTMLSelectElement).selectedIndex)}>
          ${groups.map(
            ([one], i) => html`<option .selected=${live(i === this.choice)}>
              ${one?.prompt}${one?.context ? ` … after “${one.context.slice(-60)}”` : ''}
            </option>`,
          )}
        </select>
      </label>
      <table>
        <thead>
          <tr><th scope="col">Chosen</th><th scope="col">Rejected</th><th scope="col" class="number">Score</th><th scope="col">Answer</th></tr>
        </thead>
        <tbody>
          ${sorted.map(
            (text) => html`<tr>
              <td data-name="Chosen">${this.#radio('chosen', text)}</td>
              <td data-name="Rejected">${this.#radio('rejected', text)}</td>
              <td data-name="Score" class="number numbers">${text.score === undefined ? '–' : text.score.toFixed(1)}</td>
              <td>${text.text || html`<em>ends here</em>`}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <div class="row">
        <button ?disabled=${!edit || isAdded || isMade} @click=${() => edit && this.#add(edit)}>Add this pair</button>
        <span class="small soft" role="status">
          ${
            isMade
              ? 'There is such a pair already.'
              : isAdded
                ? 'It has been added.'
                : isWhole
                  ? 'The rules do not judge it.'
                  : 'Choose the better answer and a worse one.'
          }
        </span>
      </div>
    </fieldset>`
  }

  /** Texts that CLIP could not score make no pair. */
  #radio(side: 'chosen' | 'rejected', text: Text) {
    return html`<input
      type="radio"
      name=${side}
      aria-label=${`${side}: ${text.text || 'ends here'}`}
      ?disabled=${text.score === undefined && !isStop(text)}
      .checked=${this[side] === text.text}
      @change=${() => {
        this[side] = text.text
      }}
    />`
  }

  #add(edit: ReturnType<typeof editOf>): void {
    this.tell(withEdit(this.recipe, edit))
  }

  #begin(choice: number): void {
    this.choice = choice
    this.chosen = undefined
    this.rejected = undefined
  }

  readonly #picked = (event: CustomEvent<GridPicture>): void => {
    event.stopPropagation() // the page's own choice stays
    this.picture = event.detail
  }

  async #chooseFirst(): Promise<void> {
    const { datasetHash, runner } = this
    this.picture = undefined
    if (!datasetHash) return
    const [first] = (await runner?.pictures(datasetHash, 0, 1))?.items ?? []
    if (datasetHash === this.datasetHash) this.picture ??= first
  }

  async #load(): Promise<void> {
    const { run, picture, runner, round } = this
    if (!run || !picture || !runner) return
    const texts = await runner.texts(run, round, picture.hash)
    if (picture === this.picture) this.texts = texts
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 1rem; }
      .picture { display: grid; grid-template-columns: 5rem 1fr; gap: 1rem; align-items: center; }
      .picture p { overflow-wrap: anywhere; line-height: 1.4; }
      fieldset { display: flex; flex-direction: column; gap: 0.75rem; min-width: 0; margin: 0; padding: 0.75rem 1rem 1rem; border: 1px solid var(--line); border-radius: 11px; }
      legend { padding: 0 0.375rem; font-weight: 600; }
      .prompt { display: flex; flex-direction: column; gap: 0.1875rem; }
      select { max-width: 100%; }
      fieldset table { width: 100%; }
      fieldset :is(th, td) { padding: 0.375rem 0.625rem 0.375rem 0; text-align: left; vertical-align: baseline; }
      fieldset td { border-top: 1px solid var(--line); line-height: 1.4; }
      fieldset th { font-size: 0.8125rem; font-weight: 400; color: var(--ink-soft); }
      fieldset .number { text-align: right; }
      fieldset td:last-child { width: 100%; padding-left: 0.375rem; overflow-wrap: anywhere; }
      @media (max-width: 40rem) {
        fieldset thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        fieldset :is(table, tbody) { display: block; }
        fieldset tr { display: grid; grid-template-columns: repeat(3, auto) 1fr; gap: 0.25rem 1rem; padding: 0.5rem 0; border-top: 1px solid var(--line); }
        fieldset td { padding: 0; border: 0; }
        fieldset td[data-name]::before { content: attr(data-name) ' '; font-size: 0.8125rem; color: var(--ink-soft); }
        fieldset td:last-child { grid-column: 1 / -1; padding: 0; }
      }
    `,
  ]
}

customElements.define('pair-editor', PairEditor)
