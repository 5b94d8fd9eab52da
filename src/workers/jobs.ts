import { Job } from './job.ts'

/** The jobs under way in a worker, in the order they began. */
export class Jobs {
  /** With the name its caller gave it. */
  readonly #names = new Map<Job, string | undefined>()

  /** Runs a job, in the reach of `chosen` until its end. @param name chooses it among others. Default none. */
  async run<T>(name: string | undefined, work: (job: Job) => Promise<T>): Promise<T> {
    const job = new Job()
    this.#names.set(job, name)
    try {
      return await work(job)
    } finally {
      this.#names.delete(job)
    }
  }

  /** The job of this name, or the one that began first; undefined when there is none, or none any more. */
  chosen(name?: string): Job | undefined {
    const jobs = [...this.#names]
    return (name === undefined ? jobs[0] : jobs.find(([, own]) => own === name))?.[0]
  }

  /** @throws {Error} when another job than this one is under way. */
  expectAlone(what: string, job: Job): void {
    if ([...this.#names.keys()].some((other) => other !== job))
      throw new Error(`${what}: expected nothing else under way; wait for it, stop or cancel it first`)
  }
}
