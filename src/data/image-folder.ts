import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import { isNotesFile, joinNotes, readNotesFiles } from './image-notes.ts'
import { type ImageRecord, type ReadOptions, readRecord } from './image-records.ts'
import { baseName, extension, stem } from './paths.ts'

const SIDECAR_EXTENSIONS = new Set([
  'txt',
  'caption',
  'json',
  'jsonl',
  'csv',
  'tsv',
  'md',
  'xml',
  'yaml',
  'yml',
])
const SIDECAR_NAMES = /^(LICENSE|README|NOTICE|CITATION|Thumbs\.db|desktop\.ini)$/i
const MAX_CAPTION_BYTES = 2 ** 20

/** Files that lie beside images and are none; hidden ones, and the folder `__MACOSX` that macOS adds to archives. */
export function isSidecar(path: string): boolean {
  return (
    SIDECAR_EXTENSIONS.has(extension(path)) ||
    SIDECAR_NAMES.test(baseName(path)) ||
    /(^|\/)(__MACOSX\/|\.)/.test(path)
  )
}

/** The paths of a folder. @throws {DataError} where they are not known. */
export function pathsOf(folder: Folder): readonly string[] {
  if (folder.paths) return folder.paths
  throw new DataError(
    `${folder.name}: expected a folder whose files are known, got an address: give the paths of its files with it`,
  )
}

/**
 * The images of a folder and the folders in it, by path, with captions from `metadata` or `captions` files (`.jsonl`,
 * `.csv`, `.tsv`) or from a text file beside the image with one caption a line.
 * @throws {DataError} when those files are not as expected.
 */
export async function* readImageFolder(
  folder: Folder,
  options: ReadOptions = {},
): AsyncGenerator<ImageRecord> {
  const { signal, onSkip } = options
  const paths = pathsOf(folder)
  const notes = await readNotesFiles(folder, signal)
  const texts = new Map(paths.filter((path) => extension(path) === 'txt').map((path) => [stem(path), path]))
  for (const path of paths) {
    if (isSidecar(path)) continue
    const text = texts.get(stem(path))
    const noted = joinNotes(
      notes.get(path.normalize()),
      text === undefined ? {} : await captionsOf(folder, text, options),
    )
    notes.delete(path.normalize())
    const record = await readRecord(path, () => folder.open(path, signal), noted, options)
    if (record) yield record
  }
  for (const path of notes.keys())
    onSkip?.({
      name: path,
      reason: `expected an image file, which the ${notesNames(paths)} tell of, found none`,
    })
}

async function captionsOf(
  folder: Folder,
  path: string,
  { signal, onSkip }: ReadOptions,
): Promise<{ captions?: readonly string[] }> {
  const source = await folder.open(path, signal)
  if (!source) return {}
  if (source.byteLength > MAX_CAPTION_BYTES) {
    onSkip?.({
      name: path,
      reason: `expected captions of at most ${MAX_CAPTION_BYTES} bytes, got ${source.byteLength}`,
    })
    return {}
  }
  const text = new TextDecoder().decode(await source.read(0, source.byteLength, signal))
  return {
    captions: text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  }
}

function notesNames(paths: readonly string[]): string {
  return paths.filter(isNotesFile).map(baseName).join(', ')
}
