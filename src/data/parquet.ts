import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet'
import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'

const MAGIC = 'PAR1'
/** Of what is held at once besides the row group's compressed bytes. */
const ROWS_AT_ONCE = 1000

/** Whether a file starts as a parquet file does. */
export async function isParquet(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.byteLength < 12) return false
  return new TextDecoder('latin1').decode(await source.read(0, 4, signal)) === MAGIC
}

/**
 * Rows of a parquet file, one row group after the other; whole numbers come as numbers, binary columns as bytes.
 * @throws {DataError} when the file is damaged or compressed in a way not known here.
 */
export async function* readParquet(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DataRow> {
  const file: AsyncBuffer = {
    byteLength: source.byteLength,
    async slice(start, end = source.byteLength) {
      const bytes = await source.read(start < 0 ? source.byteLength + start : start, end, signal)
      return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer
    },
  }
  const fail = (cause: unknown): never => {
    signal?.throwIfAborted()
    throw new DataError(
      `${source.name}: expected a parquet file that can be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
  const metadata = await parquetMetadataAsync(file).catch(fail)
  const options = { file, metadata, utf8: false, ...(await compressorsFor(metadata)) }
  let groupStart = 0
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows)
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += ROWS_AT_ONCE) {
      const rowEnd = Math.min(rowStart + ROWS_AT_ONCE, groupEnd)
      const rows = await parquetReadObjects({ ...options, rowStart, rowEnd }).catch(fail)
      for (const [i, row] of rows.entries()) {
        const values = plain(row) as Record<string, unknown>
        yield { where: `${source.name}: row ${rowStart + i}`, values }
      }
    }
    groupStart = groupEnd
  }
}

/** Snappy is part of the reader; the others are fetched when a file needs them. */
async function compressorsFor(metadata: FileMetaData): Promise<{ compressors?: Compressors }> {
  const codecs = metadata.row_groups.flatMap(({ columns }) =>
    columns.map((column) => column.meta_data?.codec),
  )
  if (codecs.every((codec) => codec === undefined || codec === 'SNAPPY' || codec === 'UNCOMPRESSED'))
    return {}
  return { compressors: (await import('hyparquet-compressors')).compressors }
}

/** 64-bit integers as numbers, so that rows can be written as JSON again. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date)
    return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
