/** One measured number. */
export interface Figure {
  section: string
  name: string
  value: number
  unit: string
  note?: string
}

export interface PolicyOptions {
  /** Sections whose name contains this. */
  only: string
  /** Rounds whose median is taken. */
  rounds: number
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
