import type { ReactiveController, ReactiveControllerHost } from 'lit'
import type { RunnerApi, TwoAnswers } from '../pipeline/runner.api.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { type AskedPicture, questionOf } from './asked-picture.ts'
import { isStop, plainProblem } from './problems.ts'

/** What is asked, and who answers. */
export interface Asking {
  readonly runner: Pick<RunnerApi, 'ask' | 'stopAsking'> | undefined
  /** Id of a run that has been trained. */
  readonly run: string | undefined
  readonly sources: RunSources
  readonly asked: AskedPicture | undefined
  readonly prompt: string
  /** While a run is under way. */
  readonly locked: boolean
}

/** What makes a question another one, besides the strength. */
const QUESTION = ['runner', 'run', 'asked', 'prompt'] as const
type Question = Pick<Asking, (typeof QUESTION)[number]>

/** What was said, and at which strength. */
export interface Said extends TwoAnswers {
  readonly strength: number
}

/** Asks the model as it was and as the run has made it, and keeps what they said last for as long as it answers what is asked. */
export class Questioner implements ReactiveController {
  readonly #host: ReactiveControllerHost
  readonly #asking: () => Asking
  #said: Said | undefined
  #problem: string | undefined
  #strength = 1
  /** What was asked last. */
  #question: Question = { runner: undefined, run: undefined, asked: undefined, prompt: '' }
  /** Stands for the call under way whose answers are awaited. */
  #awaited: object | undefined

  constructor(host: ReactiveControllerHost, asking: () => Asking) {
    this.#host = host
    this.#asking = asking
    host.addController(this)
  }

  /**
   * What was said of something else is forgotten. Where the same model is asked and has not answered yet, it is asked what has
   * become of the question; another one is not.
   */
  hostUpdate(): void {
    const { runner, run, asked } = this.#asking()
    if (this.isAsking && this.#isOther(this.#asking())) {
      const isSameModel = runner === this.#question.runner && run === this.#question.run
      if (isSameModel && asked) void this.ask()
      else this.stop()
    }
    this.#follow()
  }

  hostDisconnected(): void {
    this.stop()
  }

  get said(): Said | undefined {
    return this.#said
  }

  get problem(): string | undefined {
    return this.#problem
  }

  get isAsking(): boolean {
    return this.#awaited !== undefined
  }

  /** Factor on the adapter's effect. */
  get strength(): number {
    return this.#strength
  }

  set strength(value: number) {
    this.#strength = value
    this.#host.requestUpdate()
  }

  /** Asks in the place of what is still being answered. */
  async ask(): Promise<void> {
    const { runner, run, asked, sources, prompt, locked } = this.#asking()
    if (!runner || !run || !asked || locked) return
    this.#follow()
    const own = {}
    const strength = this.#strength
    this.#awaited = own
    this.#problem = undefined
    this.#host.requestUpdate()
    const show = (answers: TwoAnswers): void => {
      if (own !== this.#awaited) return
      this.#said = { ...answers, strength }
      this.#host.requestUpdate()
    }
    try {
      show(await runner.ask({ run, sources, prompt, strength, ...questionOf(asked) }, show))
    } catch (error) {
      if (own === this.#awaited && !isStop(error)) this.#problem = plainProblem(error)
    } finally {
      if (own === this.#awaited) this.#awaited = undefined
      this.#host.requestUpdate()
    }
  }

  /** Awaits no answer any more. */
  stop(): void {
    if (!this.#awaited) return
    this.#awaited = undefined
    this.#question.runner?.stopAsking().catch(() => {}) // the question's own error is told
    this.#host.requestUpdate()
  }

  #isOther(asking: Asking): boolean {
    return QUESTION.some((name) => asking[name] !== this.#question[name])
  }

  /** Forgets what answers another question than is asked now. */
  #follow(): void {
    const { runner, run, asked, prompt } = this.#asking()
    if (!this.#isOther(this.#asking())) return
    this.#question = { runner, run, asked, prompt }
    this.#said = undefined
    this.#problem = undefined
  }
}
