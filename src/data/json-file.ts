import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'

/** Parses a JSON file as a whole. @throws {DataError} when it is no JSON. */
export async function readJsonFile(source: ByteSource, signal?: AbortSignal): Promise<unknown> {
  const text = await readTextFile(source, signal)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DataError(`${source.name}: expected JSON: ${reason}`, { cause })
  }
}

/** Reads a text file as a whole, as UTF-8. */
export async function readTextFile(source: ByteSource, signal?: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await source.read(0, source.byteLength, signal))
}
