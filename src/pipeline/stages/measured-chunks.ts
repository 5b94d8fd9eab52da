import type { DatasetItem, DatasetOutput } from './dataset.ts'
import type { MeasuredImage, MeasureOutput } from './measure.ts'

/** One data set measured before and after training. */
export interface MeasuredPair {
  readonly dataset: DatasetOutput
  readonly before: MeasureOutput
  readonly after: MeasureOutput
}

/** A picture and what was said of it. */
export interface MeasuredRow {
  readonly item: DatasetItem
  readonly before: MeasuredImage
  readonly after: MeasuredImage
}

/** What was measured, beside the pictures it was measured on, a few at a time. @throws {RangeError} unless all were measured. */
export async function* measuredChunks({
  dataset,
  before,
  after,
}: MeasuredPair): AsyncGenerator<readonly [number, MeasuredRow[]]> {
  for await (const [chunk, items] of dataset.units.units()) {
    const [first, second] = await Promise.all([before.units.expect(chunk), after.units.expect(chunk)])
    const rows = items.flatMap((item, i): MeasuredRow[] => {
      const [b, a] = [first[i], second[i]]
      return b && a ? [{ item, before: b, after: a }] : []
    })
    if (rows.length !== items.length)
      throw new RangeError(
        `evaluate: expected ${items.length} measured pictures in chunk ${chunk}, got ${rows.length}; run it again`,
      )
    yield [Number(chunk), rows]
  }
}
