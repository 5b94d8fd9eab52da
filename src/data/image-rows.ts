import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'
import { joinNotes, located, notesOfRow } from './image-notes.ts'
import { type ImageNotes, type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { brief, type ImageRef, imageRef, type OpenFile } from './images.ts'
import type { OnBadRow } from './jsonl.ts'
import { readRows } from './rows.ts'
import { sha256 } from './sha256.ts'
import { questionOfRow } from './truth.ts'

/** A file with rows, JSON lines or parquet, and the images that they name by their paths. */
export interface RowsFile {
  readonly source: ByteSource
  readonly images: RowImages
}

export interface RowImages {
  /** Opens a file by the path that a row gives. */
  readonly open: OpenFile
  /** What tells the images of all files apart; undefined where there is none. */
  find(path: string): string | undefined
}

/** A row that is as expected. */
interface ReadRow {
  readonly images: readonly ImageRef[]
  readonly notes: ImageNotes
  readonly isQuestion: boolean
}

/**
 * The images of dataset files in the forms of TRL and Hugging Face: columns `image`, `images` or `file_name`, and what
 * `notesOfRow` reads. An image whose path several rows name comes once, with what all of them say; so does one that questions
 * hold themselves, a row each. To that end the rows are read twice, and what they say of images after the first time is held.
 * @throws {DataError} when a parquet file is damaged; a row or line that is not as expected is passed over.
 */
export async function* readImageRows(
  files: readonly RowsFile[],
  options: ReadOptions = {},
): AsyncGenerator<ImageRecord> {
  const { signal, onSkip } = options
  const later = await laterNotes(files, signal)
  const seen = new Set<string>()
  for (const { source, images } of files) {
    const skip: OnBadRow = ({ where, reason }) => onSkip?.({ name: where, reason })
    for await (const row of readRows(source, signal, skip)) {
      const read = readRow(row, source.name)
      if (typeof read === 'string') {
        skip({ where: row.where, reason: read.replace(`${row.where}: `, '') })
        continue
      }
      for (const image of read.images) {
        const key = await keyOf(image, read, images)
        if (key !== undefined && seen.has(key)) continue
        if (key !== undefined) seen.add(key)
        const more = key === undefined ? undefined : later.get(key)
        const record = await readRecord(
          'path' in image ? image.path : image.name,
          async () => ('path' in image ? await images.open(image.path, signal) : image.bytes),
          more ? joinNotes(read.notes, more) : read.notes,
          options,
        )
        if (record) yield record
      }
    }
  }
}

/** What rows say of images that came before, by the images' keys. */
async function laterNotes(
  files: readonly RowsFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ImageNotes>> {
  const seen = new Set<string>()
  const later = new Map<string, ImageNotes>()
  for (const { source, images } of files) {
    let isFirst = true
    for await (const row of readRows(source, signal, () => {})) {
      const read = readRow(row, source.name)
      if (typeof read === 'string') continue
      // A file that holds its images has one row for each, unless they are questions: it need not be read twice.
      if (isFirst && !read.isQuestion && read.images.some((image) => 'bytes' in image)) break
      isFirst = false
      for (const image of read.images) {
        const key = await keyOf(image, read, images)
        if (key === undefined) continue
        if (seen.has(key)) later.set(key, joinNotes(later.get(key), read.notes))
        seen.add(key)
      }
    }
  }
  return later
}

/** @param name of the file. @returns why a row is passed over, where it is. */
function readRow(row: DataRow, name: string): ReadRow | string {
  try {
    const { where, values } = row
    const notes = located(where, () => notesOfRow(values, name))
    return { images: imagesOfRow(row), notes, isQuestion: questionOfRow(values) !== undefined }
  } catch (error) {
    if (error instanceof DataError) return error.message
    throw error
  }
}

/** What an image is known by where several rows may tell of it; undefined where each tells of its own. */
async function keyOf(
  image: ImageRef,
  { isQuestion }: ReadRow,
  images: RowImages,
): Promise<string | undefined> {
  if ('path' in image) return images.find(image.path) ?? image.path
  return isQuestion ? `sha256 ${await sha256(image.bytes)}` : undefined
}

/** The images a row names or holds. @throws {DataError} when it has none. */
export function imagesOfRow({ where, values }: DataRow): readonly ImageRef[] {
  const { images, image, file_name } = values
  if (Array.isArray(images)) return images.map((item, i) => imageRef(item, `${where}: images.${i}`))
  const [column, value] = image === undefined || image === null ? ['file_name', file_name] : ['image', image]
  if (value === undefined || value === null)
    throw new DataError(
      `${where}: expected an image in one of the columns image, images, file_name, found none; its columns are ${brief(Object.keys(values).join(', '))}`,
    )
  return [imageRef(value, `${where}: ${column}`)]
}
