import type { StageStore } from '../store/stages.ts'

/** How often it is kept how long a stage has taken so far, should its tab be closed without a word; milliseconds. */
const KEEP_MS = 10_000

/** Time that a stage takes, in all its sessions. */
export class SpentTime {
  readonly #units: Pick<StageStore<unknown>, 'spend'>
  readonly #before: number
  readonly #workTime: () => number
  readonly #start: number
  #kept: number
  #last: Promise<void> = Promise.resolve()

  private constructor(units: Pick<StageStore<unknown>, 'spend'>, before: number, workTime: () => number) {
    this.#units = units
    this.#before = before
    this.#workTime = workTime
    this.#start = workTime()
    this.#kept = this.#start
  }

  /** @param workTime a clock in milliseconds. */
  static async of(
    units: Pick<StageStore<unknown>, 'spend' | 'spent'>,
    workTime: () => number,
  ): Promise<SpentTime> {
    return new SpentTime(units, await units.spent(), workTime)
  }

  get seconds(): number {
    return this.#before + (this.#workTime() - this.#start) / 1000
  }

  /** Keeps it unless that was done a moment ago. */
  keepNowAndThen(): void {
    if (this.#workTime() - this.#kept >= KEEP_MS) void this.keep()
  }

  /** Keeps it; where there is no room for it this figure is lost, and nothing else. */
  async keep(): Promise<void> {
    this.#kept = this.#workTime()
    const { seconds } = this
    this.#last = this.#last.then(() => this.#units.spend(seconds)).catch(() => {})
    await this.#last
  }

  /** Resolves when nothing is being kept any more. */
  async settle(): Promise<void> {
    await this.#last
  }
}
