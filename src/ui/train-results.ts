import { html, LitElement, nothing, type PropertyValues } from 'lit'
import { formatBytes } from '../gpu/doctor.ts'
import type { RunEvent } from '../pipeline/events.ts'
import type { RunnerApi, TrainingView } from '../pipeline/runner.api.ts'
import { CurveDrawer } from './curve-drawer.ts'
import { readTogether } from './read-together.ts'
import type { RunController } from './run-controller.ts'
import { sharedStyles } from './shared-styles.ts'
import { viewStyles } from './view-styles.ts'
import { curveFiguresView } from './views/curves.ts'
import { formatStep } from './views/format.ts'

type StepMetrics = TrainingView['steps'][number]

/** Least time between two drawings while steps come, in milliseconds. */
const DRAW_MS = 1000

/** `<train-results>`: a training's curves, while it runs and afterwards. */
export class TrainResults extends LitElement {
  static override properties = {
    runner: { attribute: false },
    controller: { attribute: false },
    hash: {},
    news: {},
    steps: { state: true },
    end: { state: true },
  }
  declare runner: Pick<RunnerApi, 'training'> | undefined
  declare controller: RunController | undefined
  /** Of the training's output. */
  declare hash: string
  /** Changes when there is something new to read. */
  declare news: string
  declare steps: readonly StepMetrics[]
  declare end: Pick<TrainingView, 'stepSeconds' | 'peakGpuBytes'>
  /** Those that came since the last drawing. */
  #fresh: StepMetrics[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #listening: RunController | undefined
  readonly #drawer = new CurveDrawer(() => this.requestUpdate())

  constructor() {
    super()
    this.steps = []
    this.end = {}
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('controller')) this.#listen()
    if (changed.has('hash')) {
      this.steps = []
      this.end = {}
      this.#drawer.clear()
    }
    if (changed.has('steps')) void this.#drawer.draw(this.steps)
    if (changed.has('hash') || changed.has('news')) void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#listening?.removeEventListener('run', this.#heard)
    this.#listening = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  override render() {
    const { figures } = this.#drawer
    if (figures.length === 0) return nothing
    return html`<div @pointerover=${this.#pointed} @pointerleave=${this.#pointed}>
      ${curveFiguresView(figures, this.steps)}
    </div>
    ${this.#cost()}`
  }

  /** What a step took; while it runs, the card tells. */
  #cost() {
    const { stepSeconds, peakGpuBytes } = this.end
    const told = [
      ...(stepSeconds === undefined ? [] : [`${formatStep(stepSeconds)} a step`]),
      ...(peakGpuBytes === undefined ? [] : [`at most ${formatBytes(peakGpuBytes)} of GPU memory`]),
    ]
    if (told.length === 0) return nothing
    return html`<p class="small soft numbers">${this.steps.length} steps, ${told.join(', ')}</p>`
  }

  #listen(): void {
    this.#listening?.removeEventListener('run', this.#heard)
    this.#listening = this.controller
    this.#listening?.addEventListener('run', this.#heard)
  }

  readonly #pointed = (event: Event): void => readTogether(this.renderRoot, event)

  readonly #heard = (event: Event): void => {
    const { detail } = event as CustomEvent<RunEvent>
    if (detail.kind !== 'step') return
    this.#fresh.push(detail.metrics)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#add(this.#fresh.splice(0))
    }, DRAW_MS)
  }

  async #load(): Promise<void> {
    const { hash, runner } = this
    if (!hash) return
    const { steps = [], ...end } = (await runner?.training(hash)) ?? {}
    if (hash !== this.hash) return
    this.end = end
    this.#add(steps)
  }

  #add(some: readonly StepMetrics[]): void {
    const byStep = new Map([...this.steps, ...some].map((metrics) => [metrics.step, metrics]))
    this.steps = [...byStep.values()].sort((a, b) => a.step - b.step)
  }

  static override styles = [sharedStyles, viewStyles]
}

customElements.define('train-results', TrainResults)
