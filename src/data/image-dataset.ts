import { type AmberLists, amberFolder, openAmber } from './amber-files.ts'
import type { ByteSource } from './bytes.ts'
import { isCocoName, readCoco } from './coco.ts'
import { DataError } from './data-error.ts'
import { kindOfFile } from './file-kind.ts'
import { type FileSpec, type Folder, type FolderSpec, openFile, openFolder } from './folder.ts'
import { ImageFinder } from './image-finder.ts'
import { pathsOf, readImageFolder } from './image-folder.ts'
import { isNotesFile } from './image-notes.ts'
import type { ImageRecord, ReadOptions, Skipped } from './image-records.ts'
import { type RowsFile, readImageRows } from './image-rows.ts'
import { imageType, TYPE_BYTES } from './image-type.ts'
import { baseName, extension, folderOf } from './paths.ts'
import { popeSplit } from './pope.ts'
import { isRows } from './rows.ts'
import { type Duplicate, type HashedRecord, uniqueRecords } from './unique.ts'
import { readWebDataset } from './webdataset.ts'
import { isZip, zipFolder } from './zip.ts'

/** How images and what is said of them lie in files. */
export type ImageFormat = 'images' | 'rows' | 'coco' | 'webdataset' | 'amber'

/** A dataset of images, wherever it lies: a folder or what was dropped, or one file with its images beside it. */
export interface ImageDatasetSpec {
  readonly folder?: FolderSpec
  /** A zip or tar archive, JSON lines, parquet, or MS-COCO's JSON. Paths in it are below `folder`. */
  readonly file?: FileSpec
  /** Of a dataset in several parquet files, those whose names begin with this and a hyphen; of POPE's, one of them. Default all. */
  readonly split?: string
}

/** A zip archive in a zip archive is opened; what goes deeper may never end. */
const MOST_ARCHIVES = 2

/** What reading a dataset tells besides its images. */
export interface DatasetReadOptions extends ReadOptions {
  /** Is told of each image whose bytes came before. */
  readonly onDuplicate?: (duplicate: Duplicate) => void
}

/** A dataset whose form is known. */
export interface ImageDataset {
  readonly format: ImageFormat
  /** Of AMBER's own files. */
  readonly amber?: AmberLists
  /**
   * The images in the dataset's order, one of equal ones, of which one at a time is held.
   * @throws {DataError} when there is none, saying why the first files were passed over.
   */
  records(options?: DatasetReadOptions): AsyncGenerator<HashedRecord>
}

type ReadImages = (options: ReadOptions) => AsyncIterable<ImageRecord>

/** A dataset before equal images are made one. */
interface Found {
  readonly format: ImageFormat
  readonly read: ReadImages
  readonly amber?: AmberLists
}

/**
 * Finds out how a dataset lies in its files: parquet; AMBER's `annotations.json` and `relation.json`; MS-COCO's `captions_*.json`
 * or `instances_*.json`; POPE's `*_pope_*.json`; WebDataset's tar archives; one zip archive with any of these; one JSON-lines file with
 * rows of images; otherwise the images of a folder.
 * @throws {DataError} when the files cannot be a dataset.
 */
export async function openImageDataset(
  { folder: folderSpec, file: fileSpec, split }: ImageDatasetSpec,
  signal?: AbortSignal,
): Promise<ImageDataset> {
  const early: Skipped[] = [] // members of an archive that were refused before anyone asked for records
  const folder = folderSpec && openFolder(folderSpec)
  let found: Found
  if (fileSpec) found = await inFile(await openFile(fileSpec, signal), folder, early, split, signal)
  else if (folder) found = await inFolder(folder, early, split, signal)
  else throw new DataError('expected a folder or a file with a dataset, got neither')
  const { read, ...known } = found
  return { ...known, records: (options = {}) => uniqueOf(read, early, options) }
}

async function* uniqueOf(
  read: ReadImages,
  early: readonly Skipped[],
  { onSkip, onDuplicate, ...options }: DatasetReadOptions,
): AsyncGenerator<HashedRecord> {
  const reasons: string[] = []
  let count = 0
  const skip = (skipped: Skipped): void => {
    if (reasons.length < 3) reasons.push(`${skipped.name}: ${skipped.reason}`)
    onSkip?.(skipped)
  }
  early.forEach(skip)
  for await (const record of uniqueRecords(read({ ...options, onSkip: skip }), onDuplicate)) {
    count++
    yield record
  }
  if (count === 0)
    throw new DataError(
      `expected a dataset with at least one image, found none${reasons.map((r) => `; ${r}`).join('')}`,
    )
}

async function inFile(
  source: ByteSource,
  beside: Folder | undefined,
  early: Skipped[],
  split: string | undefined,
  signal: AbortSignal | undefined,
  depth = 0,
): Promise<Found> {
  if (await isZip(source, signal)) {
    if (depth === MOST_ARCHIVES)
      throw new DataError(
        `${source.name}: expected at most ${MOST_ARCHIVES} archives within each other, got more: unpack them first`,
      )
    return await inFolder(await zipFolder(source, skipTo(early), signal), early, split, signal, depth + 1)
  }
  if (/\.(tar|tgz|tar\.gz)$/.test(source.name.toLowerCase()))
    return { format: 'webdataset', read: (options) => readWebDataset([source], options) }
  const images = beside ?? { name: source.name, paths: [], open: async () => undefined }
  if (await isRows(source, signal)) {
    const file = { source, images: new ImageFinder(images) }
    return { format: 'rows', read: (options) => readImageRows([file], options) }
  }
  if (extension(source.name) === 'json')
    return { format: 'coco', read: (options) => readCoco([source], images, options) }
  const begin = await source.read(0, Math.min(TYPE_BYTES, source.byteLength), signal)
  const type = imageType(begin)
  throw new DataError(
    `${source.name}: expected a zip or tar archive, JSON lines (.jsonl), parquet or MS-COCO's JSON, got ` +
      (type ? `a ${type} image: give the folder it lies in` : kindOfFile(begin)),
  )
}

async function inFolder(
  folder: Folder,
  early: Skipped[],
  split: string | undefined,
  signal: AbortSignal | undefined,
  depth = 0,
): Promise<Found> {
  const paths = pathsOf(folder).filter((path) => !/(^|\/)(__MACOSX\/|\.[^/]*$)/.test(path))
  const ending = (end: string): string[] => paths.filter((path) => extension(path) === end)
  const tables = ending('parquet')
  if (tables.length > 0) return rowsOf(folder, ofSplit(folder.name, tables, split))
  if (amberFolder(paths) !== undefined) {
    const { lists, records } = await openAmber(folder, signal)
    return { format: 'amber', amber: lists, read: records }
  }
  const coco = paths.filter(isCocoName)
  if (coco.length > 0)
    return { format: 'coco', read: (options) => readCoco(opened(folder, coco, options), folder, options) }
  const pope = paths.filter((path) => popeSplit(path) !== undefined)
  if (pope.length > 0) return rowsOf(folder, ofPope(folder.name, pope, split))
  const lines = ending('jsonl').filter((path) => !isNotesFile(path))
  if (lines.length === 1) return rowsOf(folder, lines)
  // Beside images archives are something else, and told of as what was passed over.
  const hasImages = paths.some((path) => /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(path))
  const shards = ending('tar')
  if (shards.length > 0 && !hasImages)
    return {
      format: 'webdataset',
      read: (options) => readWebDataset(opened(folder, shards, options), options),
    }
  const [archive, ...others] = ending('zip')
  if (archive !== undefined && others.length === 0 && !hasImages) {
    const source = await folder.open(archive, signal)
    if (source) return await inFile(source, folder, early, split, signal, depth)
  }
  return { format: 'images', read: (options) => readImageFolder(folder, options) }
}

function rowsOf(folder: Folder, files: readonly string[]): Found {
  return {
    format: 'rows',
    async *read(options) {
      const read: RowsFile[] = []
      for (const file of files)
        for await (const source of opened(folder, [file], options))
          read.push({ source, images: new ImageFinder(folder, folderOf(file)) })
      yield* readImageRows(read, options)
    },
  }
}

/** Files one after the other. */
async function* opened(
  folder: Folder,
  paths: readonly string[],
  { signal }: ReadOptions,
): AsyncGenerator<ByteSource> {
  for (const path of paths) {
    const source = await folder.open(path, signal)
    if (!source) throw new DataError(`${folder.name}: expected a file ${path}, found none`)
    yield source
  }
}

function ofPope(name: string, paths: readonly string[], split: string | undefined): readonly string[] {
  if (split === undefined) return paths
  const chosen = paths.filter((path) => popeSplit(path) === split)
  if (chosen.length > 0) return chosen
  throw new DataError(`${name}: expected POPE's questions of the split ${split}, found ${paths.join(', ')}`)
}

function ofSplit(name: string, paths: readonly string[], split: string | undefined): readonly string[] {
  if (split === undefined) return paths
  const chosen = paths.filter(
    (path) => baseName(path).startsWith(`${split}-`) || baseName(path) === `${split}.parquet`,
  )
  if (chosen.length > 0) return chosen
  throw new DataError(
    `${name}: expected parquet files of the split ${split}, found ${paths.map(baseName).join(', ')}`,
  )
}

function skipTo(list: Skipped[]): (skipped: Skipped) => void {
  return (skipped) => list.push(skipped)
}
