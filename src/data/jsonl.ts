import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'

const CHUNK_BYTES = 2 ** 20
/** Of a file's beginning, to see how it goes on. */
const PEEK_BYTES = 2 ** 16

/** Is told of a row that is none, by file and number, and why. */
export type OnBadRow = (bad: { readonly where: string; readonly reason: string }) => void

/**
 * Rows of a JSON-lines file, read piece by piece; empty lines are passed over.
 * @param onBad is told of lines that are no JSON objects, which are passed over then.
 * @throws {DataError} at such a line where nobody is told.
 */
export async function* readJsonLines(
  source: ByteSource,
  signal?: AbortSignal,
  onBad?: OnBadRow,
): AsyncGenerator<DataRow> {
  let line = 0
  for await (const text of lines(source, signal)) {
    line++
    if (text.trim() === '') continue
    const where = `${source.name}: line ${line}`
    const values = objectOf(text)
    if (typeof values !== 'string') yield { where, values }
    else if (onBad) onBad({ where, reason: values })
    else throw new DataError(`${where}: ${values}`)
  }
}

/** The object that a line holds, or why there is none. */
function objectOf(line: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
    return `expected an object, got ${line.slice(0, 40)}`
  } catch (cause) {
    return `expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

async function* lines(source: ByteSource, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let at = 0; at < source.byteLength; at += CHUNK_BYTES) {
    const end = Math.min(at + CHUNK_BYTES, source.byteLength)
    const chunk = decoder.decode(await source.read(at, end, signal), { stream: end < source.byteLength })
    const parts = chunk.split('\n')
    // Joined once per line, so that a line over many chunks (an embedded image) costs no quadratic time.
    parts[0] = rest + parts[0]
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}

/** Whether a file of whatever name has a JSON object on each line; one object alone counts where it names one image. */
export async function isJsonLines(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  const bytes = await source.read(0, Math.min(PEEK_BYTES, source.byteLength), signal)
  const text = new TextDecoder().decode(bytes).trimStart()
  const end = text.indexOf('\n')
  try {
    const row: unknown = JSON.parse(end < 0 ? text : text.slice(0, end))
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return false
    const isFollowed = end >= 0 && /^\s*\{/.test(text.slice(end))
    return isFollowed || 'image' in row || 'file_name' in row
  } catch {
    return false
  }
}
