import type { Runner } from './problem.ts'

/** Time of one run in milliseconds. */
export interface Timing {
  medianMs: number
  bestMs: number
  /** Runs in each timed batch. */
  repeats: number
}

export interface MeasureOptions {
  /** Duration of one timed batch; long enough to hide the queue's latency. */
  batchMs: number
  /** Batches of each runner; fewer where a single run outlasts a batch. */
  rounds: number
}

const MAX_REPEATS = 2000
/** A single run as long as this many batches is timed once. */
const LONG_RUN_BATCHES = 20

/** Wall-clock time of `repeats` runs queued one after another and awaited once, per run, in milliseconds. */
async function timeBatch(runner: Runner, repeats: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < repeats; i++) {
    const queued = runner.run()
    if (queued !== undefined) await queued
  }
  await runner.sync()
  return (performance.now() - start) / repeats
}

/** How many runs fill a batch, and what one takes; grows until a batch is long enough, which also warms the runner up. */
async function chooseRepeats(runner: Runner, batchMs: number): Promise<{ repeats: number; ms: number }> {
  let repeats = 1
  for (;;) {
    const ms = await timeBatch(runner, repeats)
    if (ms * repeats >= batchMs / 2 || repeats === MAX_REPEATS) {
      return { repeats: Math.min(MAX_REPEATS, Math.max(1, Math.round(batchMs / ms))), ms }
    }
    repeats = Math.min(MAX_REPEATS, repeats * 4)
  }
}

/** Times several runners in turn, batch by batch, so that noise on the machine meets them all alike. */
export async function measure(
  runners: readonly Runner[],
  { batchMs, rounds }: MeasureOptions,
): Promise<Timing[]> {
  const trials: { runner: Runner; repeats: number; rounds: number; times: number[] }[] = []
  for (const runner of runners) {
    const { repeats, ms } = await chooseRepeats(runner, batchMs)
    if (ms > LONG_RUN_BATCHES * batchMs) {
      trials.push({ runner, repeats, rounds: 0, times: [ms] })
      continue
    }
    const affordable = Math.max(2, Math.round((rounds * batchMs) / (ms * repeats)))
    trials.push({ runner, repeats, rounds: Math.min(rounds, affordable), times: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const trial of trials) {
      if (round < trial.rounds) trial.times.push(await timeBatch(trial.runner, trial.repeats))
    }
  }
  return trials.map(({ repeats, times }) => {
    const sorted = times.toSorted((a, b) => a - b)
    const medianMs = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
    return { medianMs, bestMs: sorted[0] ?? Number.NaN, repeats }
  })
}
