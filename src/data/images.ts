import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import { relativePath } from './paths.ts'

/** An encoded image of a dataset: a path relative to the dataset's file, or the bytes themselves. */
export type ImageRef =
  | { readonly path: string }
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly name: string }

/** Opens a file by its path relative to a folder, or gives undefined when there is none. */
export type OpenFile = (path: string, signal?: AbortSignal) => Promise<ByteSource | undefined>

/**
 * One image as datasets hold them: a path, a base64 data URL, bytes, or the `{bytes, path}` of Hugging Face datasets.
 * @param where file, row and column, for error messages.
 * @throws {DataError} when it is none of these.
 */
export function imageRef(value: unknown, where: string): ImageRef {
  if (typeof value === 'string')
    return value.startsWith('data:') ? dataUrl(value, where) : { path: checkedPath(value, where) }
  if (value instanceof Uint8Array) return { bytes: Uint8Array.from(value), name: where }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { bytes, path } = value as { bytes?: unknown; path?: unknown }
    if (bytes !== undefined && bytes !== null) {
      if (bytes instanceof Uint8Array)
        return { bytes: Uint8Array.from(bytes), name: typeof path === 'string' ? path : where }
      if (typeof bytes === 'string')
        return dataUrl(bytes.startsWith('data:') ? bytes : `data:;base64,${bytes}`, where)
    } else if (typeof path === 'string') return { path: checkedPath(path, where) }
  }
  throw new DataError(
    `${where}: expected an image as a path, a base64 data URL, bytes or {bytes, path}, got ${brief(value)}`,
  )
}

/** The encoded bytes of an image. @throws {DataError} when the file it names does not exist. */
export async function readImage(
  ref: ImageRef,
  open: OpenFile,
  where: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if ('bytes' in ref) return ref.bytes
  const source = await open(ref.path, signal)
  if (!source)
    throw new DataError(`${where}: expected an image file ${ref.path} beside the dataset, found none`)
  return await source.read(0, source.byteLength, signal)
}

/** A path that stays below the dataset's folder, with forward slashes. */
function checkedPath(path: string, where: string): string {
  const below = relativePath(path)
  if (below === undefined) {
    throw new DataError(
      `${where}: expected an image's path relative to the dataset's file and below its folder, got ${brief(path)}`,
    )
  }
  return below
}

function dataUrl(url: string, where: string): ImageRef {
  const [, body] = /^data:[^,]*;base64,(.*)$/s.exec(url) ?? []
  if (body === undefined) throw new DataError(`${where}: expected a base64 data URL, got ${brief(url)}`)
  try {
    return { bytes: Uint8Array.from(atob(body), (character) => character.charCodeAt(0)), name: where }
  } catch (cause) {
    throw new DataError(`${where}: expected base64 after data:, got ${brief(url)}`, { cause })
  }
}

/** A value in a few characters, for error messages. */
export function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
