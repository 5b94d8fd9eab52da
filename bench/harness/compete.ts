import type { CeilingProbe } from './ceilings.ts'
import { type MeasureOptions, measure } from './measure.ts'
import type { Entry, Problem, Runner } from './problem.ts'
import type { Row } from './result.ts'

/** Prepares, proves and times every entry of a problem among the adapter's ceilings; an entry that fails says why in its row. */
export async function compete(
  problem: Problem,
  probe: CeilingProbe,
  options: MeasureOptions,
): Promise<Row[]> {
  const rows: Row[] = []
  const ready: { row: Row; runner: Runner }[] = []
  for (const entry of problem.entries) {
    const row: Row = { name: problem.name, shape: problem.shape, library: entry.library, how: entry.how }
    rows.push(row)
    try {
      ready.push({ row, runner: await prove(problem, entry, row) })
    } catch (error) {
      row.failure = messageOf(error)
    }
  }
  const [arithmetic, copy, ...timings] = await measure(
    [...probe.runners, ...ready.map(({ runner }) => runner)],
    options,
  )
  if (!arithmetic || !copy) throw new Error(`${problem.name}: expected times of both ceilings`)
  const ceilings = probe.ceilings(arithmetic.medianMs, copy.medianMs)
  const { flops, bytes } = problem.cost
  const ceilingMs = Math.max(flops / ceilings.gflops, bytes / ceilings.gbPerSecond) / 1e6
  for (const [i, { row, runner }] of ready.entries()) {
    const timing = timings[i]
    if (timing) {
      row.ms = timing.medianMs
      row.bestMs = timing.bestMs
      row.gflops = flops / timing.medianMs / 1e6
      row.gbPerSecond = bytes / timing.medianMs / 1e6
      row.ceilings = ceilings
      row.shareOfCeiling = ceilingMs / timing.medianMs
    }
    await runner.close()
  }
  return rows
}

/** Runs an entry once and compares its outputs with float64: a fast wrong result is worth nothing. */
async function prove(problem: Problem, entry: Entry, row: Row): Promise<Runner> {
  const runner = await entry.prepare(problem)
  try {
    row.error = problem.error(await runner.read())
    if (!(row.error <= problem.tolerance)) {
      throw new Error(
        `wrong result: relative error ${row.error.toExponential(1)}, at most ${problem.tolerance}`,
      )
    }
    return runner
  } catch (error) {
    await runner.close()
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
