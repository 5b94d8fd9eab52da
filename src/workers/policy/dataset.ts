import { DataError } from '../../data/data-error.ts'
import { openFile, openFolder } from '../../data/folder.ts'
import type { OpenFile } from '../../data/images.ts'
import type { RowSource } from '../../data/rows.ts'
import type { Dataset } from '../policy.api.ts'

/** Opens a dataset's file, or takes its rows, and the folder of its images. @throws {DataError} unless it has one of both. */
export async function openDataset(
  { data, rows, images }: Dataset,
  signal: AbortSignal,
): Promise<{ source: RowSource; open: OpenFile }> {
  if ((data === undefined) === (rows === undefined))
    throw new DataError(`dataset: expected data or rows, got ${data === undefined ? 'neither' : 'both'}`)
  const folder = openFolder(images)
  const source = data ? await openFile(data, signal) : { name: 'rows', rows: rows ?? [] }
  return { source, open: (path, s) => folder.open(path, s) }
}

/** A row without the bytes of embedded images, so that it can be written as JSON. */
export function withoutBytes(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const strip = (item: unknown): unknown => {
    if (ArrayBuffer.isView(item)) return null
    if (typeof item === 'string' && item.startsWith('data:')) return null
    if (Array.isArray(item)) return item.map(strip)
    return typeof item === 'object' && item !== null ? withoutBytes(item as Record<string, unknown>) : item
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strip(item)]))
}
