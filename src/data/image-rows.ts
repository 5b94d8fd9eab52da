import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'
import { located, notesOfRow } from './image-notes.ts'
import { type ImageNotes, type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { type ImageRef, imageRef, type OpenFile } from './images.ts'
import { readRows } from './rows.ts'

/**
 * The images of a dataset file, JSON lines or parquet, in the forms of TRL and Hugging Face: columns `image`, `images`
 * or `file_name`, and what `notesOfRow` reads. An image that several rows name comes several times.
 * @param open opens files by their path relative to the dataset's.
 * @throws {DataError} when the file itself is damaged; a row that is not as expected is passed over.
 */
export async function* readImageRows(
  source: ByteSource,
  open: OpenFile,
  options: ReadOptions = {},
): AsyncGenerator<ImageRecord> {
  const { signal, onSkip } = options
  for await (const row of readRows(source, signal)) {
    let read: readonly [readonly ImageRef[], ImageNotes]
    try {
      read = [imagesOfRow(row), located(row.where, () => notesOfRow(row.values))]
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      onSkip?.({ name: row.where, reason: error.message })
      continue
    }
    const [images, notes] = read
    for (const image of images) {
      const name = 'path' in image ? image.path : image.name
      const record = await readRecord(
        name,
        async () => ('path' in image ? await open(image.path, signal) : image.bytes),
        notes,
        options,
      )
      if (record) yield record
    }
  }
}

/** The images a row names or holds. @throws {DataError} when it has none. */
export function imagesOfRow({ where, values }: DataRow): readonly ImageRef[] {
  const { images, image, file_name } = values
  if (Array.isArray(images)) return images.map((item, i) => imageRef(item, `${where}: images.${i}`))
  const [column, value] = image === undefined || image === null ? ['file_name', file_name] : ['image', image]
  if (value === undefined || value === null)
    throw new DataError(
      `${where}: expected an image in one of the columns image, images, file_name, found none`,
    )
  return [imageRef(value, `${where}: ${column}`)]
}
