import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { MarkedText } from '../evaluate/mark.ts'
import type { PictureTexts, RunnerApi } from '../pipeline/runner.api.ts'
import './picture-thumb.ts'
import type { GridPicture } from './dataset-grid.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'
import { viewStyles } from './view-styles.ts'
import { markedView } from './views/marked.ts'

type Text = PictureTexts['candidates'][number]

/**
 * `<picture-texts>`: what was written about one picture: candidates by prompt and generator, with their scores once there are
 * some, and with invented words marked where it is known what the picture shows.
 */
export class PictureTextsElement extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    run: {},
    round: { type: Number },
    picture: { attribute: false },
    news: {},
    site: {},
    texts: { state: true },
    marked: { state: true },
  }
  declare runner: Pick<RunnerApi, 'texts' | 'mark'> | undefined
  declare thumbnails: Thumbnails | undefined
  declare run: string | undefined
  declare round: number
  declare picture: GridPicture | undefined
  /** Changes when there may be more to read. */
  declare news: string
  /** Address of the page, where what comes with it lies. */
  declare site: string
  declare texts: PictureTexts | undefined
  /** Texts with what is invented marked, as far as they are. */
  declare marked: ReadonlyMap<string, readonly MarkedText[]>

  constructor() {
    super()
    this.round = 1
    this.marked = new Map()
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('picture')) {
      this.texts = undefined
      this.marked = new Map()
    }
    if ((['run', 'round', 'picture', 'news'] as const).some((name) => changed.has(name))) void this.#load()
  }

  override render() {
    const { picture, texts } = this
    if (!picture) return nothing
    const { candidates = [], pairs = [] } = texts ?? {}
    const groups = Map.groupBy(candidates, ({ prompt, generator, context = '' }) =>
      [prompt, generator === 'policy' ? '' : generator, context].join('\n'),
    )
    return html`
      <div class="whole">
        <figure>
          <picture-thumb .thumbnails=${this.thumbnails} .hash=${picture.hash} .name=${picture.name}></picture-thumb>
          <figcaption class="small soft">
            ${picture.name}${picture.truth ? html`<br />shows ${picture.truth.truth.join(', ')}` : nothing}
          </figcaption>
          ${this.#ownCaptions(picture.captions ?? [])}
          <p class="small soft">Choose another picture above.</p>
        </figure>
        <div>
          ${candidates.length > 0 ? this.#legend(candidates) : nothing}
          ${candidates.length === 0 ? html`<p class="soft">Nothing has been written about this picture yet.</p>` : nothing}
          ${[...groups.values()].map((group) => this.#group(group, pairs))}
        </div>
      </div>
    `
  }

  #ownCaptions(captions: readonly string[]) {
    if (captions.length === 0) return nothing
    return html`<details class="small">
      <summary>Its own ${captions.length === 1 ? 'caption' : 'captions'}</summary>
      <ul>
        ${captions.map((caption) => html`<li>${caption}</li>`)}
      </ul>
    </details>`
  }

  #legend(candidates: readonly Text[]) {
    const isScored = candidates.some(({ score }) => score !== undefined)
    return html`<p class="small soft">
      ${isScored ? 'Before each description CLIP’s score. ' : nothing}
      ${candidates.some(({ greedy }) => greedy) ? 'Greedy is the likeliest one; the others are drawn by chance.' : nothing}
      ${
        this.marked.size > 0
          ? html`<ins class="grounded">Grounded</ins> is in the picture, <del class="hallucinated">invented</del> is not.`
          : nothing
      }
    </p>`
  }

  #group(group: readonly Text[], pairs: PictureTexts['pairs']) {
    const [{ prompt, generator, context } = group[0] as Text] = group
    const sorted = [...group].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity))
    const own = pairs.filter((pair) => pair.prompt === prompt && pair.context === context)
    const scores = group.flatMap(({ score }) => score ?? [])
    const [low, high] = [Math.min(...scores), Math.max(...scores)]
    const share = (score: number): number => 25 + (75 * (score - low)) / Math.max(1e-9, high - low)
    return html`
      <h3 class="small soft">
        “${prompt}”${generator === 'policy' ? nothing : html`, ${generator}`}
        ${context ? html`, after “…${context.slice(-60)}”` : nothing}
      </h3>
      <ol>
        ${sorted.map((text) => {
          const chosen = own.some((pair) => pair.chosen === text.text)
          const rejected = own.some((pair) => pair.rejected === text.text)
          return html`<li>
            <span class="score numbers">${text.score === undefined ? '–' : text.score.toFixed(1)}</span>
            <span class="bar" aria-hidden="true">
              ${text.score === undefined ? nothing : html`<i style="width: ${share(text.score)}%"></i>`}
            </span>
            <span>
              ${this.#said(text)}
              ${(text.count ?? 1) > 1 ? html`<span class="tag">× ${text.count}</span>` : nothing}
              ${text.greedy ? html`<span class="tag">greedy</span>` : nothing}
              ${text.correct === undefined ? nothing : html`<span class="tag">made as the ${text.correct ? 'right' : 'wrong'} answer</span>`}
              ${chosen ? html`<span class="tag good">chosen</span>` : nothing}
              ${rejected ? html`<span class="tag bad">rejected</span>` : nothing}
              ${text.phrases ? phrasesView(text.phrases) : nothing}
            </span>
          </li>`
        })}
      </ol>
    `
  }

  #said({ text }: Text) {
    if (text === '') return html`<em>ends here</em>`
    const pieces = this.marked.get(text)
    return pieces ? markedView(pieces) : text
  }

  async #load(): Promise<void> {
    const { run, picture, runner, round } = this
    if (!run || !picture || !runner) return
    const texts = await runner.texts(run, round, picture.hash)
    if (picture !== this.picture) return
    this.texts = texts
    await this.#mark(run, texts)
  }

  async #mark(run: string, { candidates }: PictureTexts): Promise<void> {
    const { picture, runner, site } = this
    const truth = picture?.truth
    const wanted = [...new Set(candidates.map(({ text }) => text))].filter((text) => !this.marked.has(text))
    if (!truth || truth.truth.length === 0 || wanted.length === 0) return
    // What cannot be marked, such as without network, stays as it is.
    const pieces = await runner?.mark(run, wanted, truth, { site }).catch(() => undefined)
    if (!pieces || picture !== this.picture) return
    this.marked = new Map([...this.marked, ...wanted.map((text, i) => [text, pieces[i] ?? []] as const)])
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      .whole { display: grid; grid-template-columns: 9rem 1fr; gap: 1.25rem; }
      figure { margin: 0; }
      figcaption { margin-top: 0.375rem; overflow-wrap: anywhere; line-height: 1.4; }
      h3 { font-weight: 400; margin-bottom: 0.25rem; }
      h3:not(:first-child) { margin-top: 0.75rem; }
      ol { margin: 0; padding: 0; list-style: none; }
      li {
        display: grid;
        grid-template-columns: 2.5rem 4rem 1fr;
        gap: 0.625rem;
        align-items: baseline;
        padding: 0.3125rem 0;
        border-top: 1px solid var(--line);
        line-height: 1.45;
      }
      .score { text-align: right; }
      .bar { align-self: start; margin-top: 0.5rem; height: 0.375rem; border-radius: 1rem; background: var(--line); overflow: hidden; }
      .bar i { display: block; height: 100%; background: var(--accent); }
      .tag {
        padding: 0 0.375rem;
        border: 1px solid currentcolor;
        border-radius: 6px;
        font-size: 0.75rem;
        color: var(--ink-soft);
      }
      .tag.good { color: var(--good); }
      .tag.bad { color: var(--bad); }
      .phrase { color: color-mix(in srgb, var(--bad), var(--good) calc(100% * var(--fit))); white-space: nowrap; }
      .phrase:not(:last-child) { margin-right: 0.75rem; }
      figure summary { color: var(--accent); }
      figure ul { margin: 0.25rem 0; padding-left: 1rem; line-height: 1.4; }
      @media (max-width: 40rem) {
        .whole { grid-template-columns: 1fr; }
        figure { max-width: 9rem; }
        li { grid-template-columns: 2.5rem 1fr; }
        .bar { display: none; }
      }
    `,
  ]
}

/** Noun phrases with their own scores, from the one that fits worst (red) to the one that fits best (green). */
function phrasesView(phrases: NonNullable<Text['phrases']>) {
  const scores = phrases.map(({ score }) => score)
  const [low, high] = [Math.min(...scores), Math.max(...scores)]
  const share = (score: number): string => ((score - low) / Math.max(1e-9, high - low)).toFixed(2)
  return html`<br /><span class="small">${phrases.map(
    ({ text, score }) =>
      html`<span class="phrase" style="--fit: ${share(score)}">${text} ${score.toFixed(1)}</span>`,
  )}</span>`
}

customElements.define('picture-texts', PictureTextsElement)
