import type { ByteSource } from './bytes.ts'
import { cocoNames } from './coco.ts'
import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import { ImageFinder } from './image-finder.ts'
import { imagesOfRow } from './image-rows.ts'
import { extension } from './paths.ts'
import { isRows, readRows } from './rows.ts'

/**
 * The paths of the pictures that a data set's file names, each once, in its order; none of a file that holds its pictures
 * itself. Rows that are damaged are passed over, as when they are read.
 * @param folder where the pictures lie.
 * @throws {DataError} when the file is damaged.
 */
export async function* picturePaths(
  source: ByteSource,
  folder: Folder,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const isTable = await isRows(source, signal)
  if (!isTable && extension(source.name) !== 'json') return
  const finder = new ImageFinder(folder)
  const seen = new Set<string>()
  for await (const name of isTable ? namesInRows(source, signal) : await cocoNames(source, signal)) {
    const path = finder.find(name)
    if (path === undefined || seen.has(path)) continue
    seen.add(path)
    yield path
  }
}

async function* namesInRows(source: ByteSource, signal?: AbortSignal): AsyncGenerator<string> {
  for await (const row of readRows(source, signal, () => {})) {
    let images: ReturnType<typeof imagesOfRow>
    try {
      images = imagesOfRow(row)
    } catch (error) {
      if (error instanceof DataError) continue
      throw error
    }
    for (const image of images) {
      if ('path' in image) yield image.path
      else return // such a file holds all its pictures: it need not be read to its end
    }
  }
}
