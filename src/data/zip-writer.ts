import { Zip, ZipDeflate } from 'fflate'
import { DataError } from './data-error.ts'

/** A file that is made when it is read. */
export interface LazyFile {
  /** Below the folder or archive that it goes into. */
  readonly path: string
  read(): Promise<Blob>
}

/** Pictures and weights hardly become smaller; they are only wrapped up. */
const PACKED = /\.(jsonl?|html)$/
/** What a zip without Zip64 can hold. */
const MAX_FILES = 2 ** 16 - 1
const MAX_BYTES = 2 ** 32 - 1
const READ_BYTES = 2 ** 20
/** Pieces become a blob now and then, which a browser can move out of memory. */
const PART_BYTES = 16 * 2 ** 20

/**
 * Packs files as a zip archive, one after the other.
 * @throws {DataError} for more than a zip can hold: 65,535 files or 4 GiB; what reading a file throws.
 */
export async function zipFiles(files: Iterable<LazyFile> | AsyncIterable<LazyFile>): Promise<Blob> {
  const parts: Blob[] = []
  let pieces: Uint8Array<ArrayBuffer>[] = []
  let pending = 0
  let written = 0
  const flush = (): void => {
    parts.push(new Blob(pieces))
    pieces = []
    pending = 0
  }
  const zip = new Zip((error, piece) => {
    if (error) throw error
    pieces.push(piece as Uint8Array<ArrayBuffer>)
    pending += piece.length
    written += piece.length
    if (pending >= PART_BYTES) flush()
  })
  let count = 0
  for await (const { path, read } of files) {
    const entry = new ZipDeflate(path, { level: PACKED.test(path) ? 6 : 0 })
    zip.add(entry)
    const blob = await read()
    for (let at = 0; at < blob.size; at += READ_BYTES)
      entry.push(new Uint8Array(await blob.slice(at, at + READ_BYTES).arrayBuffer()))
    entry.push(new Uint8Array(), true)
    if (++count > MAX_FILES || written > MAX_BYTES) {
      throw new DataError(
        `${path}: expected at most ${MAX_FILES} files and 4 GiB for a zip, got more; run the recipe from the command line, which writes a folder`,
      )
    }
  }
  zip.end()
  flush()
  return new Blob(parts, { type: 'application/zip' })
}
