import { css, html, LitElement, nothing, type PropertyValues } from 'lit'
import type { Damage, StageName } from '../pipeline/events.ts'
import type { RunnerApi, StoredOutput } from '../pipeline/runner.api.ts'
import { damageList, type NoteList, outputLead, outputLists } from './note-lists.ts'
import { sharedStyles } from './shared-styles.ts'

/** Lines of one list shown at most. */
const LISTED = 200

/**
 * `<stage-notes>`: what there is to say of a stage of a run beside its results: pictures read and files passed over, questions that
 * could not be read, stored values that were damaged.
 */
export class StageNotes extends LitElement {
  static override properties = {
    stage: {},
    runner: { attribute: false },
    run: {},
    news: {},
    damage: { attribute: false },
    outputs: { state: true },
  }
  declare stage: StageName
  declare runner: Pick<RunnerApi, 'open'> | undefined
  declare run: string | undefined
  /** Changes when there is something new to read. */
  declare news: string
  /** Of this stage. */
  declare damage: readonly Damage[]
  declare outputs: readonly StoredOutput[]

  constructor() {
    super()
    this.damage = []
    this.outputs = []
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('run') || changed.has('news')) void this.#load()
  }

  override render() {
    const lead = outputLead(this.outputs)
    const lists = [...outputLists(this.outputs), ...damageList(this.damage)]
    this.hidden = lead === undefined && lists.length === 0
    return html`${lead ? html`<p class="small soft">${lead}</p>` : nothing} ${lists.map(listView)}`
  }

  async #load(): Promise<void> {
    const { run, runner, stage } = this
    // The others say nothing of themselves that is told here.
    const isAsked = run !== undefined && (stage === 'dataset' || stage === 'caption')
    const stored = isAsked ? await runner?.open(run).catch(() => undefined) : undefined
    if (run !== this.run) return
    this.outputs = stored?.outputs.filter((output) => output.stage === stage) ?? []
  }

  static override styles = [
    sharedStyles,
    css`
      :host { display: flex; flex-direction: column; gap: 0.25rem; }
      :host([hidden]) { display: none; }
      summary { width: fit-content; color: var(--slow); }
      ul { max-height: 12rem; margin: 0.25rem 0 0; padding-left: 1.25rem; overflow-y: auto; overflow-wrap: anywhere; }
    `,
  ]
}

function listView({ title, lines, count }: NoteList) {
  const shown = lines.slice(0, LISTED)
  return html`<details class="small">
    <summary>${title}</summary>
    <ul>
      ${shown.map((line) => html`<li>${line}</li>`)}
      ${shown.length < count ? html`<li>and ${(count - shown.length).toLocaleString('en')} more</li>` : nothing}
    </ul>
  </details>`
}

customElements.define('stage-notes', StageNotes)
