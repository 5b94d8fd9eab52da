/** What one dispatch costs, as far as its host can tell; only ratios between kernels matter. */
export interface Cost {
  /** Floating-point operations. */
  flops: number
  /** Bytes read and written. */
  bytes: number
}

/** Target duration of one slice of submitted work, far below any GPU watchdog's patience. */
export const SLICE_MS = 100

const FLOPS_PER_BYTE = 4
const WORK_PER_DISPATCH = 20_000
/** Slices with less than this share of the target say more about latency than about speed. */
const WORTH_MEASURING = 0.1
/** Slices reported closer together than this may have finished at any time before: the CPU was busy. */
const BURST_MS = 2
const LONGEST_BURST_MS = 10 * SLICE_MS
/** A busy page must not make a GPU look slower than any is: the pieces would become uselessly small. */
const SLOWEST_WORK_PER_MS = 2e5

/**
 * Decides how much work one submit may hold, from how long earlier submits took.
 * It only ever decides where command buffers are cut, so it cannot change a result.
 */
export class Pacer {
  #workPerMs: number
  #lastDone = 0
  #burstWork = 0
  #burstMs = 0

  /** @param workPerMs first guess; 1e6 suits a software adapter and is corrected within a few slices. */
  constructor(workPerMs = 1e6) {
    this.#workPerMs = workPerMs
  }

  /** A dispatch's cost as one number. */
  work(cost: Cost): number {
    return cost.flops + FLOPS_PER_BYTE * cost.bytes + WORK_PER_DISPATCH
  }

  /** Work that fills one slice. */
  get budget(): number {
    return this.#workPerMs * SLICE_MS
  }

  /**
   * Learns from a slice that was submitted and reported done at these times (ms on one clock).
   * Slices reported in one burst are judged together: single ones among them seem to have taken no time.
   * @returns how long the slice kept the GPU busy, in ms, as far as the reports tell.
   */
  observe(work: number, submittedAt: number, doneAt: number): number {
    if (doneAt - this.#lastDone > BURST_MS || this.#burstMs > LONGEST_BURST_MS) this.#learn()
    const durationMs = doneAt - Math.max(submittedAt, this.#lastDone)
    this.#lastDone = doneAt
    this.#burstWork += work
    this.#burstMs += durationMs
    return durationMs
  }

  #learn(): void {
    const work = this.#burstWork
    const durationMs = this.#burstMs
    this.#burstWork = 0
    this.#burstMs = 0
    if (work < WORTH_MEASURING * this.budget && durationMs < SLICE_MS) return
    const measured = work / Math.max(durationMs, 0.1)
    const step = Math.min(4, Math.max(0.25, measured / this.#workPerMs))
    this.#workPerMs = Math.max(SLOWEST_WORK_PER_MS, this.#workPerMs * step ** 0.5)
  }
}

export type Grid = readonly [number, number, number]

/** One piece of a dispatch: workgroups `offset .. offset + count`. */
export interface GridPiece {
  offset: Grid
  count: Grid
}

/** Cuts a grid of workgroups into `pieces` or more, along its longest axes, none with a side over `maxSide`. */
export function splitGrid(count: Grid, pieces: number, maxSide: number): GridPiece[] {
  const axis = count.indexOf(Math.max(...count)) as 0 | 1 | 2
  const longest = count[axis]
  const parts = Math.min(longest, Math.max(pieces, Math.ceil(longest / maxSide)))
  if (parts <= 1) return [{ offset: [0, 0, 0], count }]
  const result: GridPiece[] = []
  const side = Math.ceil(longest / parts)
  const rest = Math.ceil(pieces / parts)
  for (let start = 0; start < longest; start += side) {
    const piece: [number, number, number] = [...count]
    piece[axis] = Math.min(side, longest - start)
    const splitFurther = rest > 1 || piece.some((n) => n > maxSide)
    for (const sub of splitFurther
      ? splitGrid(piece, rest, maxSide)
      : [{ offset: [0, 0, 0] as Grid, count: piece as Grid }]) {
      const offset: [number, number, number] = [...sub.offset]
      offset[axis] += start
      result.push({ offset, count: sub.count })
    }
  }
  return result
}
