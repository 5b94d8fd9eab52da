import type { Gpu } from './gpu.ts'

/** Where choices outlive a page; keys are opaque text. `src/store` can provide one. */
export interface TuningStore {
  get(key: string): Promise<string | undefined>
  set(key: string, choice: string): Promise<void>
}

/** One way to compute the same thing. */
export interface Candidate {
  name: string
  /** Compiles it; the returned function records one run of a sample problem. */
  prepare(): Promise<() => void>
  /** The bits of the last run's result; needed where there is a reference. */
  read?(): Promise<Uint32Array>
}

const TIMED_ROUNDS = 3
/** A round repeats a run until it lasts this long: shorter ones would measure the queue's latency. */
const ROUND_MS = 20
const MOST_REPEATS = 200

/** A store that lives as long as the page. */
export class MemoryTuningStore implements TuningStore {
  readonly #choices = new Map<string, string>()

  async get(key: string): Promise<string | undefined> {
    return this.#choices.get(key)
  }

  async set(key: string, choice: string): Promise<void> {
    this.#choices.set(key, choice)
  }
}

/**
 * Chooses among candidates by timing each on a sample problem, once per adapter and question. A choice is about speed alone:
 * where there is a reference, what gives other bits on the sample problem, as a driver's arithmetic may, is not chosen.
 */
export class Autotuner {
  readonly #gpu: Gpu
  readonly #store: TuningStore
  readonly #record = new Map<string, string>()
  /** Trials one after another: two at a time would measure each other. */
  #queue: Promise<unknown> = Promise.resolve()

  /** @param store where choices are kept; default in memory. */
  constructor(gpu: Gpu, store: TuningStore = new MemoryTuningStore()) {
    this.#gpu = gpu
    this.#store = store
  }

  /** Choices made or found so far, by question, in a fixed order. */
  get record(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#record].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /**
   * The fastest candidate's name. `question` names operation, format and shape bucket, such as `matmul.forward/int8/many`.
   * A stored answer counts for the same candidates only: where there are others it is measured anew.
   * @param reference whose bits a candidate has to give, and which is chosen where none does. Default all candidates do.
   */
  choose(question: string, candidates: readonly Candidate[], reference?: Candidate): Promise<string> {
    const choice = this.#queue.then(() => this.#choose(question, candidates, reference))
    this.#queue = choice.catch(() => undefined)
    return choice
  }

  async #choose(
    question: string,
    candidates: readonly Candidate[],
    reference: Candidate | undefined,
  ): Promise<string> {
    const [only] = candidates
    if (!only) throw new Error(`${question}: expected at least one candidate, got none`)
    const names = candidates.map(({ name }) => name)
    const asked = `${question}/${names.sort().join(' ')}${reference ? ` as ${reference.name}` : ''}`
    const key = `${this.#gpu.profile.fingerprint}/${asked}`
    const stored = await this.#store.get(key)
    let choice = [...candidates, ...(reference ? [reference] : [])].find((c) => c.name === stored)?.name
    if (choice === undefined) {
      const isOpen = candidates.length > 1 || (reference && reference.name !== only.name)
      choice = isOpen ? await this.#measure(candidates, reference) : only.name
      await this.#store.set(key, choice)
    }
    this.#record.set(question, choice)
    return choice
  }

  async #measure(candidates: readonly Candidate[], reference: Candidate | undefined): Promise<string> {
    const expected = reference && (await this.#bits(reference, await reference.prepare()))
    const runs: { name: string; run: () => void; repeats: number; bestMs: number }[] = []
    for (const candidate of candidates) {
      const run = await candidate.prepare()
      if (expected && !isEqual(await this.#bits(candidate, run), expected)) continue
      await this.#time(run, 1) // the first run pays for what the driver puts off
      const onceMs = await this.#time(run, 1)
      const repeats = Math.min(MOST_REPEATS, Math.ceil(ROUND_MS / Math.max(onceMs, ROUND_MS / MOST_REPEATS)))
      runs.push({ name: candidate.name, run, repeats, bestMs: Number.POSITIVE_INFINITY })
    }
    if (reference && runs.length === 0) return reference.name
    // Interleaved, and the best of each counts: other work on the machine slows all alike.
    for (let i = 0; i < TIMED_ROUNDS; i++) {
      for (const entry of runs) {
        entry.bestMs = Math.min(entry.bestMs, (await this.#time(entry.run, entry.repeats)) / entry.repeats)
      }
    }
    return runs.reduce((best, entry) => (entry.bestMs < best.bestMs ? entry : best)).name
  }

  async #bits({ name, read }: Candidate, run: () => void): Promise<Uint32Array> {
    if (!read) throw new Error(`${name}: expected read, to compare its result with the reference's, got none`)
    run()
    return await read()
  }

  /** Milliseconds that several runs take, one after another. */
  async #time(run: () => void, repeats: number): Promise<number> {
    const startedAt = performance.now()
    for (let i = 0; i < repeats; i++) run()
    await this.#gpu.stream.idle()
    return performance.now() - startedAt
  }
}

function isEqual(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i])
}
