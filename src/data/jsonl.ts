import type { ByteSource } from './bytes.ts'
import { DataError, type DataRow } from './data-error.ts'

const CHUNK_BYTES = 2 ** 20
/** Of a file's beginning, to see how it goes on. */
const PEEK_BYTES = 2 ** 16

/** Rows of a JSON-lines file, read piece by piece; empty lines are passed over. */
export async function* readJsonLines(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DataRow> {
  let line = 0
  for await (const text of lines(source, signal)) {
    line++
    if (text.trim() === '') continue
    const where = `${source.name}: line ${line}`
    let values: unknown
    try {
      values = JSON.parse(text)
    } catch (cause) {
      throw new DataError(
        `${where}: expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          cause,
        },
      )
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new DataError(`${where}: expected an object, got ${text.slice(0, 40)}`)
    }
    yield { where, values: values as Record<string, unknown> }
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
