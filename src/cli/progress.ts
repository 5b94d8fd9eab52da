/** A number of seconds for people: `41 s`, `3 min 5 s`, `2 h 7 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Rate and time left of work that is counted. */
export class Pace {
  readonly #now: () => number
  readonly #total: number
  readonly #first: number
  readonly #start: number

  /** @param done what was done before; it does not count for the rate. @param now milliseconds, for tests. */
  constructor(total: number, done = 0, now: () => number = () => performance.now()) {
    this.#now = now
    this.#total = total
    this.#first = done
    this.#start = now()
  }

  /** @returns units a second, and the seconds left at that rate; undefined before the first unit. */
  after(done: number): { rate: number; secondsLeft: number } | undefined {
    const seconds = (this.#now() - this.#start) / 1000
    if (done <= this.#first || seconds <= 0) return undefined
    const rate = (done - this.#first) / seconds
    return { rate, secondsLeft: (this.#total - done) / rate }
  }
}

/** A text without what would steer a terminal, which names of files and captions may hold. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '\uFFFD')
}

/** A terminal or a file that progress goes to. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** How often progress is written to what is no terminal. */
const LOG_INTERVAL_MS = 10_000

/** Progress as one line that changes, or, where there is no terminal, as a line now and then. */
export class ProgressLine {
  readonly #output: Output
  readonly #now: () => number
  #lastLogged = Number.NEGATIVE_INFINITY
  #lastPart = ''
  #isOpen = false

  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output
    this.#now = now
  }

  /**
   * @param label what goes on. @param isLast writes it in any case.
   * @param part which part of it; a new one is written at once. Default the label.
   */
  show(label: string, text: string, isLast = false, part = label): void {
    const line = `${label}: ${text}`
    if (this.#output.isTTY) {
      this.#output.write(`\r\u001b[K${line}`)
      this.#isOpen = true
      if (isLast) this.end()
      return
    }
    const now = this.#now()
    if (!isLast && part === this.#lastPart && now - this.#lastLogged < LOG_INTERVAL_MS) return
    this.#lastLogged = now
    this.#lastPart = part
    this.#output.write(`${line}\n`)
  }

  /** A line that stays. */
  say(text: string): void {
    this.end()
    this.#output.write(`${text}\n`)
  }

  /** Ends the line that changes. */
  end(): void {
    if (this.#isOpen) this.#output.write('\n')
    this.#isOpen = false
  }
}
