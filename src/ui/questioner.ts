import type { ReactiveControllerHost } from 'lit'
import type { RunnerApi, TwoAnswers } from '../pipeline/runner.api.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { type AskedPicture, questionOf } from './asked-picture.ts'
import { plainProblem } from './problems.ts'

/** What is asked, and who answers. */
export interface Asking {
  readonly runner: Pick<RunnerApi, 'ask'> | undefined
  /** Id of a run that has been trained. */
  readonly run: string | undefined
  readonly sources: RunSources
  readonly asked: AskedPicture | undefined
  readonly prompt: string
  /** While a run is under way. */
  readonly locked: boolean
}

/** Asks the model as it was and as the run has made it, one question at a time, and keeps what they said last. */
export class Questioner {
  readonly #host: ReactiveControllerHost
  readonly #asking: () => Asking
  #answers: TwoAnswers | undefined
  #problem: string | undefined
  #isAsking = false
  #strength = 1

  constructor(host: ReactiveControllerHost, asking: () => Asking) {
    this.#host = host
    this.#asking = asking
  }

  get answers(): TwoAnswers | undefined {
    return this.#answers
  }

  get problem(): string | undefined {
    return this.#problem
  }

  get isAsking(): boolean {
    return this.#isAsking
  }

  /** Factor on the adapter's effect. */
  get strength(): number {
    return this.#strength
  }

  set strength(value: number) {
    this.#strength = value
    this.#host.requestUpdate()
  }

  /** Forgets what was said, since it was said of something else. */
  clear(): void {
    this.#answers = undefined
    this.#problem = undefined
    this.#host.requestUpdate()
  }

  async ask(): Promise<void> {
    const { runner, run, asked, sources, prompt, locked } = this.#asking()
    if (!runner || !run || !asked || this.#isAsking || locked) return
    this.#isAsking = true
    this.#problem = undefined
    this.#host.requestUpdate()
    const shown = (answers: TwoAnswers): void => {
      if (asked !== this.#asking().asked) return
      this.#answers = answers
      this.#host.requestUpdate()
    }
    try {
      shown(await runner.ask({ run, sources, prompt, strength: this.#strength, ...questionOf(asked) }, shown))
    } catch (error) {
      this.#problem = plainProblem(error)
    } finally {
      this.#isAsking = false
      this.#host.requestUpdate()
    }
  }
}
