import type { ClipClient, PolicyClient } from './client.ts'

/** Holds a run where it is, and lets it go on. */
export class PauseSwitch {
  readonly #watchers = new Set<(isPaused: boolean) => void>()
  readonly #clock: () => number
  #isPaused = false
  /** When the pause that holds began, and how long those before it lasted. */
  #pausedAt = 0
  #pausedMs = 0

  /** @param clock milliseconds. Default `performance.now`. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Milliseconds that have passed outside pauses. */
  workTime(): number {
    return (this.#isPaused ? this.#pausedAt : this.#clock()) - this.#pausedMs
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  pause(): void {
    this.#turn(true)
  }

  resume(): void {
    this.#turn(false)
  }

  /** Calls back at every change. @returns ends that. */
  watch(onChange: (isPaused: boolean) => void): () => void {
    this.#watchers.add(onChange)
    return () => this.#watchers.delete(onChange)
  }

  /** Resolves when the run is not, or no longer, paused. @throws the signal's reason. */
  async gate(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#isPaused) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        unwatch()
        signal.removeEventListener('abort', go)
        resolve()
      }
      const unwatch = this.watch((isPaused) => {
        if (!isPaused) go()
      })
      signal.addEventListener('abort', go)
    })
    signal.throwIfAborted()
  }

  #turn(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return
    const now = this.#clock()
    if (isPaused) this.#pausedAt = now
    else this.#pausedMs += now - this.#pausedAt
    this.#isPaused = isPaused
    for (const watcher of [...this.#watchers]) watcher(isPaused)
  }
}

/** A policy that a pause holds before its next job, and within one before its next token or step. */
export function pausablePolicy(client: PolicyClient, pause: PauseSwitch, signal: AbortSignal): PolicyClient {
  const held = async <T>(work: () => Promise<T>): Promise<T> => {
    await pause.gate(signal)
    const unwatch = pause.watch((isPaused) => {
      void (isPaused ? client.pause() : client.resume())
    })
    try {
      return await work()
    } finally {
      unwatch()
    }
  }
  return {
    ...client,
    generate: (job, onAnswers) => held(() => client.generate(job, onAnswers)),
    logps: (job, onResult) => held(() => client.logps(job, onResult)),
    replies: (job, onReplies) => held(() => client.replies(job, onReplies)),
    train: (...given) => held(() => client.train(...given)),
  }
}

/** CLIP that a pause holds before its next job; each is short. */
export function pausableClip(client: ClipClient, pause: PauseSwitch, signal: AbortSignal): ClipClient {
  const held = async <T>(work: () => Promise<T>): Promise<T> => {
    await pause.gate(signal)
    return await work()
  }
  return {
    ...client,
    embedTexts: (texts, onProgress) => held(() => client.embedTexts(texts, onProgress)),
    embedImages: (images, onProgress) => held(() => client.embedImages(images, onProgress)),
    score: (job, onProgress) => held(() => client.score(job, onProgress)),
    classify: (pairs, k, onProgress) => held(() => client.classify(pairs, k, onProgress)),
  }
}
