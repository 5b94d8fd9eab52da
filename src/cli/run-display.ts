import type { RunEvent, StagePlace } from '../pipeline/events.ts'
import { formatSeconds, Pace, type ProgressLine, printable } from './progress.ts'

const BAR_WIDTH = 20

/** Shows a run as it goes: a line for each stage, with bar, rate and time left. */
export class RunDisplay {
  readonly #line: ProgressLine
  #paces = new Map<string, Pace>()

  constructor(line: ProgressLine) {
    this.#line = line
  }

  show(event: RunEvent): void {
    switch (event.kind) {
      case 'stage': {
        const label = labelOf(event)
        const seconds = event.seconds === undefined ? '' : formatSeconds(event.seconds)
        if (event.state === 'done') this.#line.show(label, `done in ${seconds}`, true)
        if (event.state === 'stored') this.#line.show(label, `kept from before (it took ${seconds})`, true)
        break
      }
      case 'progress': {
        const { done, total, unit, detail } = event
        const label = labelOf(event)
        if (total === 0) {
          this.#line.show(label, detail ?? '')
          break
        }
        const key = `${label} ${unit} ${total}`
        let pace = this.#paces.get(key)
        if (!pace) {
          pace = new Pace(total, done)
          this.#paces.set(key, pace)
        }
        const speed = pace.after(done)
        const rate = speed
          ? `, ${speed.rate.toPrecision(3)} ${unit}/s, ${formatSeconds(speed.secondsLeft)} left`
          : ''
        this.#line.show(
          label,
          `${bar(done, total)} ${done}/${total} ${unit}${detail ? `, ${detail}` : ''}${rate}`,
          false,
          `${label} ${unit}`,
        )
        break
      }
      case 'loading':
        if (event.plannedBytes !== undefined)
          this.#line.say(
            printable(
              `${event.what} takes at least ${Math.ceil(event.plannedBytes / 2 ** 20)} MiB of GPU memory`,
            ),
          )
        if (event.total > 0 && event.done === event.total) this.#line.show('loaded', event.what, true)
        break
      case 'note':
      case 'damage':
        this.#line.say(printable(event.text))
        break
      case 'step':
        break // told by the stage's progress
    }
  }
}

function labelOf({ stage, round, part }: StagePlace): string {
  return [stage, ...(part === undefined ? [] : [part]), ...(round > 1 ? [`round ${round}`] : [])].join(' ')
}

function bar(done: number, total: number): string {
  const full = total > 0 ? Math.round((BAR_WIDTH * done) / total) : 0
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`
}
