import type { ByteSource } from './bytes.ts'
import type { DataRow } from './data-error.ts'
import { readJsonLines } from './jsonl.ts'
import { isParquet, readParquet } from './parquet.ts'

/**
 * Rows of a dataset file, JSON lines or parquet, told apart by their first bytes; never more than a part is held.
 * @throws {DataError} naming the file and the row.
 */
export async function* readRows(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DataRow> {
  if (await isParquet(source, signal)) yield* readParquet(source, signal)
  else yield* readJsonLines(source, signal)
}
