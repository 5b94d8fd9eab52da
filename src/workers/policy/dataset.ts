import { bytesSource } from '../../data/bytes.ts'
import { DataError } from '../../data/data-error.ts'
import { openFile, openFolder } from '../../data/folder.ts'
import type { OpenFile } from '../../data/images.ts'
import type { RowSource } from '../../data/rows.ts'
import type { Dataset, ReadImage, TrainJob } from '../policy.api.ts'

/**
 * Opens a dataset's file, or takes its rows, and the folder of its images.
 * @param readImage where there is no folder. Default it has no images.
 * @throws {DataError} unless it has one of file and rows.
 */
export async function openDataset(
  { data, rows, images }: Pick<TrainJob, keyof Dataset>,
  signal: AbortSignal,
  readImage: ReadImage = async () => undefined,
): Promise<{ source: RowSource; open: OpenFile }> {
  if ((data === undefined) === (rows === undefined))
    throw new DataError(`dataset: expected data or rows, got ${data === undefined ? 'neither' : 'both'}`)
  const source = data ? await openFile(data, signal) : { name: 'rows', rows: rows ?? [] }
  if (images) {
    const folder = openFolder(images)
    return { source, open: (path, s) => folder.open(path, s) }
  }
  const open: OpenFile = async (path) => {
    const bytes = await readImage(path)
    return bytes && bytesSource(bytes, path)
  }
  return { source, open }
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
