import { css, html, LitElement, nothing } from 'lit'
import type { RunView } from '../pipeline/run-view.ts'
import type { RunnerApi } from '../pipeline/runner.api.ts'
import { download, fileStem } from './download.ts'
import { plainProblem } from './problems.ts'
import { sharedStyles } from './shared-styles.ts'

/** What is packed together, beside everything. */
const PACKS = [
  { name: 'Pairs with pictures', suffix: 'pairs', parts: ['pairs.jsonl', 'images/'] },
  { name: 'Adapter (PEFT)', suffix: 'adapter', parts: ['adapter/'] },
] as const

/** Those that are wanted alone. */
const FILES = [
  { name: 'Answers before and after', path: 'answers.jsonl' },
  { name: 'Training metrics', path: 'metrics.jsonl' },
  { name: 'Summary', path: 'summary.json' },
] as const

/** `<take-away>`: a finished run's files, all of them or some, made when they are asked for. */
export class TakeAway extends LitElement {
  static override properties = {
    runner: { attribute: false },
    run: {},
    view: { attribute: false },
    making: { state: true },
    problem: { state: true },
  }
  declare runner: Pick<RunnerApi, 'file' | 'archive'> | undefined
  declare run: string
  declare view: RunView
  /** What is being made. */
  declare making: string | undefined
  declare problem: string | undefined

  override render() {
    const { making, problem } = this
    return html`
      <div class="row">
        <span class="soft">Take away:</span>
        ${this.#button('Everything', 'zip', this.#everything)} ${this.#button('Report', 'html', this.#report)}
        ${PACKS.map(({ name, suffix, parts }) => this.#button(name, 'zip', () => this.#pack(suffix, parts)))}
        ${FILES.map(({ name, path }) => this.#button(name, path.split('.').at(-1) ?? '', () => this.#file(path)))}
      </div>
      <p class="small soft" role="status">${making === undefined ? nothing : `Making ${making} …`}</p>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
    `
  }

  #button(name: string, kind: string, make: () => Promise<void>) {
    return html`<button ?disabled=${this.making !== undefined} @click=${() => this.#make(name, make)}>
      ${name} <span class="small soft">${kind}</span>
    </button>`
  }

  /** The run's name as a folder's. */
  get #folder(): string {
    return fileStem(this.view.recipe.name, 'run')
  }

  readonly #everything = async (): Promise<void> => {
    const report = { path: 'report.html', blob: await this.#rendered() }
    const folder = this.#folder
    await this.#keep(`${folder}.zip`, this.runner?.archive(this.run, { folder, more: [report] }))
  }

  readonly #report = async (): Promise<void> => {
    await this.#keep('report.html', this.#rendered())
  }

  async #pack(suffix: string, parts: readonly string[]): Promise<void> {
    const folder = `${this.#folder}-${suffix}`
    await this.#keep(`${folder}.zip`, this.runner?.archive(this.run, { folder, parts }))
  }

  async #file(path: string): Promise<void> {
    await this.#keep(path, this.runner?.file(this.run, path))
  }

  async #rendered(): Promise<Blob> {
    const { renderReport } = await import('./report.ts')
    return new Blob([renderReport(this.view)], { type: 'text/html' })
  }

  async #keep(name: string, file: Promise<Blob | undefined> | undefined): Promise<void> {
    const blob = await file
    if (blob) download(name, blob)
  }

  async #make(name: string, make: () => Promise<void>): Promise<void> {
    this.making = name
    this.problem = undefined
    try {
      await make()
    } catch (error) {
      this.problem = plainProblem(error)
    } finally {
      this.making = undefined
    }
  }

  static override styles = [
    sharedStyles,
    css`
      .row button { padding: 0.25rem 0.75rem; font-size: 0.9375rem; }
      p:empty { display: none; }
    `,
  ]
}

customElements.define('take-away', TakeAway)
