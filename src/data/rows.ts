import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'
import { brief } from './images.ts'
import { isJsonLines, type OnBadRow, readJsonLines } from './jsonl.ts'
import { isParquet, readParquet } from './parquet.ts'
import { extension } from './paths.ts'

/** Rows that are in memory already. */
export interface RowList {
  /** For error messages. */
  readonly name: string
  readonly rows: readonly unknown[]
}

/** A dataset's file, or its rows. */
export type RowSource = ByteSource | RowList

/**
 * Rows of a dataset: those of a list, or of a file in JSON lines or parquet, told apart by its first bytes; of a file never
 * more than a part is held.
 * @param onBad is told of lines that are no JSON objects, which are passed over then. Default they are errors.
 * @throws {DataError} naming file or list, and the row.
 */
export async function* readRows(
  source: RowSource,
  signal?: AbortSignal,
  onBad?: OnBadRow,
): AsyncGenerator<DataRow> {
  if ('rows' in source) yield* listed(source)
  else if (await isParquet(source, signal)) yield* readParquet(source, signal)
  else yield* readJsonLines(source, signal, onBad)
}

/** Whether a file has rows: JSON lines, under whatever name, or parquet. */
export async function isRows(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  const kind = extension(source.name)
  if (kind === 'jsonl') return true
  return kind === 'json' ? await isJsonLines(source, signal) : await isParquet(source, signal)
}

function* listed({ name, rows }: RowList): Generator<DataRow> {
  for (const [i, values] of rows.entries()) {
    const where = `${name}: row ${i}`
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new DataError(`${where}: expected an object, got ${brief(values)}`)
    yield { where, values: values as Record<string, unknown> }
  }
}
