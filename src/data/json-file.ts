import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'

/** Parses JSON. @throws {SyntaxError} saying what is wrong, and in which line where the engine tells the place in any way. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    if (/line \d+/.test(message)) throw cause
    const [, position = /\bend\b/i.test(message) ? text.length : undefined] =
      /at position (\d+)/.exec(message) ?? []
    if (position === undefined) throw cause // it quotes what it stumbled over
    const before = text.slice(0, Number(position)).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    throw new SyntaxError(`${place}: ${message.replace(/ at position .*/, '')}`, { cause })
  }
}

/** Parses a JSON file as a whole. @throws {DataError} when it is no JSON. */
export async function readJsonFile(source: ByteSource, signal?: AbortSignal): Promise<unknown> {
  const text = await readTextFile(source, signal)
  try {
    return parseJson(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DataError(`${source.name}: expected JSON: ${reason}`, { cause })
  }
}

/** Reads a text file as a whole, as UTF-8. */
export async function readTextFile(source: ByteSource, signal?: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await source.read(0, source.byteLength, signal))
}
