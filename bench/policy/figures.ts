import type { Gpu } from '../../src/gpu/gpu.ts'

/** One measured number. */
export interface Figure {
  section: string
  name: string
  value: number
  unit: string
  note?: string
  /** What the value has to be for `--check`. Default anything. */
  target?: { readonly atLeast?: number; readonly atMost?: number }
}

export interface PolicyOptions {
  /** Sections whose name contains this. */
  only: string
  /** Rounds whose median is taken. */
  rounds: number
}

/** The figures that miss their targets, a line each; one that could not be measured misses it too. */
export function missedTargets(figures: readonly Figure[]): string[] {
  return figures.flatMap(({ section, name, value, unit, target = {} }) => {
    const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = target
    if (!('atLeast' in target || 'atMost' in target) || (value >= atLeast && value <= atMost)) return []
    const bounds = [
      ...(target.atLeast === undefined ? [] : [`at least ${atLeast}`]),
      ...(target.atMost === undefined ? [] : [`at most ${atMost}`]),
    ]
    return [`${section}: ${name}: expected ${bounds.join(' and ')} ${unit}, got ${value}`.trim()]
  })
}

export type Say = (figure: Omit<Figure, 'section'>) => void

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Milliseconds of one call. */
export async function timed(f: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await f()
  return performance.now() - start
}

/** Says the time of each kernel, the costliest first. */
export async function timeKernels(
  gpu: Gpu,
  say: Say,
  what: string,
  run: () => Promise<unknown>,
): Promise<void> {
  gpu.stream.timings.clear()
  gpu.stream.setTiming(true)
  await run()
  await gpu.stream.idle()
  gpu.stream.setTiming(false)
  await new Promise((resolve) => {
    setTimeout(resolve, 50)
  })
  for (const [label, { calls, totalMs }] of [...gpu.stream.timings.report()].slice(0, 25))
    say({ name: `${what}: ${label}`, value: totalMs, unit: 'ms', note: `${calls} calls` })
}
