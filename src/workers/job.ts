/** Work that can be paused, ended in order, and broken off. */
export class Job {
  /** True once `stop` was called. */
  isStopping = false
  /** True once there is something that `stop` would keep. */
  isUnderWay = false
  readonly #controller = new AbortController()
  #held: { readonly until: Promise<void>; readonly release: () => void } | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Resolves when the job is not, or no longer, paused. */
  readonly gate = async (): Promise<void> => {
    while (this.#held) await this.#held.until
    this.signal.throwIfAborted()
  }

  pause(): void {
    if (this.#held) return
    let release = (): void => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held = { until, release }
  }

  resume(): void {
    const held = this.#held
    this.#held = undefined
    held?.release()
  }

  /** Asks a job to end in order. */
  stop(): void {
    this.isStopping = true
    this.resume()
  }

  cancel(): void {
    this.#controller.abort(new DOMException('cancelled', 'AbortError'))
    this.resume()
  }
}
