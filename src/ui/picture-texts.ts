import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { PictureTexts, RunnerApi } from '../pipeline/runner.api.ts'
import './picture-thumb.ts'
import type { GridPicture } from './dataset-grid.ts'
import { sharedStyles } from './shared-styles.ts'
import type { Thumbnails } from './thumbnails.ts'

type Text = PictureTexts['candidates'][number]

/** `<picture-texts>`: what was written about one picture: candidates by prompt and generator, with their scores once there are some. */
export class PictureTextsElement extends LitElement {
  static override properties = {
    runner: { attribute: false },
    thumbnails: { attribute: false },
    run: {},
    round: { type: Number },
    picture: { attribute: false },
    news: {},
    texts: { state: true },
  }
  declare runner: Pick<RunnerApi, 'texts'> | undefined
  declare thumbnails: Thumbnails | undefined
  declare run: string | undefined
  declare round: number
  declare picture: GridPicture | undefined
  /** Changes when there may be more to read. */
  declare news: string
  declare texts: PictureTexts | undefined

  constructor() {
    super()
    this.round = 1
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('picture')) this.texts = undefined
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
        </figure>
        <div>
          ${candidates.length === 0 ? html`<p class="soft">Nothing has been written about this picture yet.</p>` : nothing}
          ${[...groups.values()].map((group) => this.#group(group, pairs))}
        </div>
      </div>
    `
  }

  #group(group: readonly Text[], pairs: PictureTexts['pairs']) {
    const [{ prompt, generator, context } = group[0] as Text] = group
    const sorted = [...group].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity))
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
          const chosen = pairs.some((pair) => pair.chosen === text.text && pair.prompt === prompt)
          const rejected = pairs.some((pair) => pair.rejected === text.text && pair.prompt === prompt)
          return html`<li>
            <span class="score numbers">${text.score === undefined ? '–' : text.score.toFixed(1)}</span>
            <span class="bar" aria-hidden="true">
              ${text.score === undefined ? nothing : html`<i style="width: ${share(text.score)}%"></i>`}
            </span>
            <span>
              ${text.text || html`<em>ends here</em>`}
              ${(text.count ?? 1) > 1 ? html`<span class="tag">× ${text.count}</span>` : nothing}
              ${text.candidate === 0 ? html`<span class="tag">greedy</span>` : nothing}
              ${chosen ? html`<span class="tag good">chosen</span>` : nothing}
              ${rejected ? html`<span class="tag bad">rejected</span>` : nothing}
              ${
                text.phrases
                  ? html`<br /><span class="small soft">${text.phrases.map(
                      ({ text: phrase, score }) =>
                        html`<span class="phrase">${phrase} ${score.toFixed(1)}</span>`,
                    )}</span>`
                  : nothing
              }
            </span>
          </li>`
        })}
      </ol>
    `
  }

  async #load(): Promise<void> {
    const { run, picture, runner, round } = this
    if (!run || !picture || !runner) return
    const texts = await runner.texts(run, round, picture.hash)
    if (picture === this.picture) this.texts = texts
  }

  static override styles = [
    sharedStyles,
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
      .bar { align-self: center; height: 0.375rem; border-radius: 1rem; background: var(--line); overflow: hidden; }
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
      .phrase:not(:last-child)::after { content: ' · '; }
      @media (max-width: 40rem) {
        .whole { grid-template-columns: 1fr; }
        figure { max-width: 9rem; }
        li { grid-template-columns: 2.5rem 1fr; }
        .bar { display: none; }
      }
    `,
  ]
}

customElements.define('picture-texts', PictureTextsElement)
