import type { DeviceProfile } from '../../src/gpu/device.ts'
import type { Ceilings } from './ceilings.ts'
import type { Library } from './problem.ts'

/** One line of the report. */
export interface Row {
  name: string
  shape: string
  library: Library
  how: string
  /** Median time of one run; absent when the entry failed. */
  ms?: number
  bestMs?: number
  gflops?: number
  gbPerSecond?: number
  /** The adapter's ceilings, measured in turn with this entry. */
  ceilings?: Ceilings
  /** Time those ceilings allow over the time taken. */
  shareOfCeiling?: number
  /** Relative error against float64. */
  error?: number
  /** Why there is no time. */
  failure?: string
}

/** Everything one run of the bench measured. */
export interface Report {
  adapter: DeviceProfile
  userAgent: string
  /** The best measured before the first problem; each row has its own, measured beside it. */
  ceilings: Ceilings
  rows: Row[]
}

/** What the command asks of the page. */
export interface BenchOptions {
  /** Run only problems whose name contains this; default all. */
  only?: string
  /** A few quick shapes instead of all. */
  small: boolean
  batchMs: number
  rounds: number
}
