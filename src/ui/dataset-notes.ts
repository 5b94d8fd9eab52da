import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { DatasetSummary } from '../pipeline/read-dataset.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { sharedStyles } from './shared-styles.ts'

/** Files listed at most. */
const LISTED = 200

/** `<dataset-notes>`: what came of reading a run's pictures: how many, with what known of them, and the files passed over. */
export class DatasetNotes extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    news: {},
    summary: { state: true },
  }
  declare runner: Pick<RunnerApi, 'open'> | undefined
  declare run: string | undefined
  /** Changes when there is something new to read. */
  declare news: string
  declare summary: DatasetSummary | undefined

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('news')) void this.#load()
  }

  override render() {
    const { summary } = this
    if (!summary) return nothing
    const { images, captioned, withTruth, skipped, duplicates } = summary
    const known = [
      ...(captioned > 0 ? [`${captioned.toLocaleString('en')} with captions`] : []),
      ...(withTruth > 0 ? [`${withTruth.toLocaleString('en')} of which it is known what they show`] : []),
    ]
    return html`
      <p class="small soft">${[`${images.toLocaleString('en')} pictures`, ...known].join(', ')}.</p>
      ${this.#list(
        'passed over',
        skipped.map(({ name, reason }) => `${name}: ${reason}`),
      )}
      ${this.#list(
        'there already under another name',
        duplicates.map(({ name, first }) => `${name} is ${first}`),
      )}
    `
  }

  #list(title: string, lines: readonly string[]) {
    if (lines.length === 0) return nothing
    return html`<details class="small">
      <summary>${lines.length.toLocaleString('en')} ${lines.length === 1 ? 'file' : 'files'} ${title}</summary>
      <ul>
        ${lines.slice(0, LISTED).map((line) => html`<li>${line}</li>`)}
        ${lines.length > LISTED ? html`<li>and ${(lines.length - LISTED).toLocaleString('en')} more</li>` : nothing}
      </ul>
    </details>`
  }

  async #load(): Promise<void> {
    const { run, runner } = this
    const stored = run ? await runner?.open(run).catch(() => undefined) : undefined
    if (run !== this.run) return
    const read = stored?.outputs.find(({ stage, part }) => stage === 'dataset' && part === 'train')
    this.summary = read?.end?.summary as DatasetSummary | undefined
  }

  static override styles = [
    sharedStyles,
    css`
      summary { width: fit-content; color: var(--slow); }
      ul { max-height: 12rem; margin: 0.25rem 0 0; padding-left: 1.25rem; overflow-y: auto; overflow-wrap: anywhere; }
    `,
  ]
}

customElements.define('dataset-notes', DatasetNotes)
