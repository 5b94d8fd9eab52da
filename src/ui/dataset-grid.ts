import { css, html, LitElement, type PropertyValues } from 'lit'
import type { PicturePage, RunnerApi } from '../pipeline/runner.api.ts'
import './picture-thumb.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

export type GridPicture = PicturePage['items'][number]

/** Side of a cell with the gap after it, in pixels. */
const CELL = 92
const GAP = 8
/** Pictures asked for at once. */
const PAGE = 96
/** Rows drawn above and below those that are seen. */
const SPARE_ROWS = 2

/**
 * `<dataset-grid>`: a dataset's pictures, of which only those in sight are in the document, however many there are. Arrow keys
 * move from one to the next; a `picture` event (`CustomEvent<GridPicture>`) tells which was chosen.
 */
export class DatasetGrid extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    hash: {},
    news: {},
    selected: {},
    count: { state: true },
    columns: { state: true },
    firstRow: { state: true },
    version: { state: true },
  }
  declare runner: Pick<RunnerApi, 'pictures'> | undefined
  declare thumbnails: Thumbnails | undefined
  /** Of the dataset's output. */
  declare hash: string
  /** Changes when there may be more pictures. */
  declare news: string
  /** Hash of the picture that is chosen. */
  declare selected: string
  /** Pictures read so far. */
  declare count: number
  declare columns: number
  declare firstRow: number
  declare version: number
  readonly #items = new Map<number, GridPicture>()
  readonly #asked = new Set<number>()
  readonly #resized = new ResizeObserver(() => requestAnimationFrame(() => this.#measure()))
  #focused = 0
  #height = 320

  constructor() {
    super()
    this.count = 0
    this.columns = 1
    this.firstRow = 0
    this.version = 0
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resized.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resized.disconnect()
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('hash')) {
      this.#items.clear()
      this.#asked.clear()
      this.#focused = 0
      this.count = 0
    }
    if (changed.has('hash') || changed.has('news')) {
      this.#asked.delete(Math.floor(this.count / PAGE)) // the last page may have grown
      void this.#load(Math.floor(this.count / PAGE))
    }
  }

  override updated(): void {
    const [start, end] = this.#range()
    for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) void this.#load(page)
  }

  override render() {
    const [start, end] = this.#range()
    const rows = Math.ceil(this.count / this.columns)
    const shown = Array.from({ length: end - start }, (_, i) => start + i)
    return html`
      <div class="view" @scroll=${this.#scrolled} @keydown=${this.#moved}>
        <ul aria-label="Pictures" style="height: ${rows * CELL - GAP}px">
          ${shown.map((index) => this.#cell(index))}
        </ul>
      </div>
    `
  }

  #cell(index: number) {
    const item = this.#items.get(index)
    const top = Math.floor(index / this.columns) * CELL
    const left = (index % this.columns) * CELL
    return html`<li aria-setsize=${this.count} aria-posinset=${index + 1} style="top: ${top}px; left: ${left}px">
      <button
        data-index=${index}
        tabindex=${index === this.#focused ? 0 : -1}
        aria-pressed=${item !== undefined && item.hash === this.selected}
        aria-label=${item?.name ?? 'being read'}
        ?disabled=${!item}
        @click=${() => this.#choose(index)}
      >
        ${item ? html`<picture-thumb .thumbnails=${this.thumbnails} .hash=${item.hash}></picture-thumb>` : ''}
      </button>
    </li>`
  }

  #range(): [start: number, end: number] {
    const first = Math.max(0, this.firstRow - SPARE_ROWS)
    const last = this.firstRow + Math.ceil(this.#height / CELL) + SPARE_ROWS
    return [Math.min(first * this.columns, this.count), Math.min(last * this.columns, this.count)]
  }

  #measure(): void {
    this.columns = Math.max(1, Math.floor((this.clientWidth + GAP) / CELL))
    this.#height = this.renderRoot.querySelector('.view')?.clientHeight || this.#height
  }

  readonly #scrolled = (event: Event): void => {
    this.firstRow = Math.floor((event.currentTarget as HTMLElement).scrollTop / CELL)
  }

  readonly #moved = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: this.columns,
      ArrowUp: -this.columns,
      Home: -this.count,
      End: this.count,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    void this.#focusOn(Math.min(this.count - 1, Math.max(0, this.#focused + step)))
  }

  async #focusOn(index: number): Promise<void> {
    this.#focused = index
    const view = this.renderRoot.querySelector('.view')
    const top = Math.floor(index / this.columns) * CELL
    if (view && (top < view.scrollTop || top + CELL > view.scrollTop + view.clientHeight)) {
      view.scrollTop = top
      this.firstRow = Math.floor(view.scrollTop / CELL)
    }
    await this.#load(Math.floor(index / PAGE))
    this.version++
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus()
  }

  #choose(index: number): void {
    this.#focused = index
    const item = this.#items.get(index)
    if (item) this.dispatchEvent(new CustomEvent('picture', { detail: item, bubbles: true, composed: true }))
  }

  async #load(page: number): Promise<void> {
    if (this.#asked.has(page) || !this.hash || !this.runner) return
    this.#asked.add(page)
    const { hash } = this
    const start = page * PAGE
    const { items, total } = await this.runner.pictures(hash, start, start + PAGE)
    if (hash !== this.hash) return
    this.count = total
    items.forEach((item, i) => {
      this.#items.set(start + i, item)
    })
    this.version++
  }

  static override styles = [
    sharedStyles,
    css`
      .view {
        max-height: 20rem;
        overflow-y: auto;
        padding: 3px;
        margin: -3px;
      }
      ul {
        position: relative;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        position: absolute;
        width: 84px;
        height: 84px;
      }
      button {
        display: block;
        width: 100%;
        height: 100%;
        padding: 0;
        border: 0;
        background: var(--line);
      }
      button[aria-pressed='true'] { outline: 3px solid var(--accent); outline-offset: -1px; }
    `,
  ]
}

customElements.define('dataset-grid', DatasetGrid)
