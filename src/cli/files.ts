import { randomBytes } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Folders of this computer a page may read, and one it may write, for as long as a command runs. */
export interface SharedFolders {
  /** Folders to read, by name. */
  readonly read: Readonly<Record<string, string>>
  /** A folder for results, and the only names, or forms of names, that may be written there. */
  readonly write?: { readonly folder: string; readonly names: readonly (string | RegExp)[] }
}

/** Answers one request. @returns false when the address is none of its own. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/**
 * Shares folders under an address nobody can guess: `GET` and `HEAD /<secret>/<name>/<path>`, with ranges, and
 * `PUT /<secret>/out/<file>`, written whole or not at all.
 * @returns the secret and the handler.
 */
export function shareFolders(folders: SharedFolders): { secret: string; handle: Handler } {
  const secret = randomBytes(16).toString('hex')
  const handle: Handler = async (request, response) => {
    const [first, name, ...rest] = segmentsOf(request.url)
    if (first !== secret || name === undefined) return false
    const method = request.method ?? 'GET'
    if (method === 'PUT' && name === 'out') await receive(folders.write, rest, request, response)
    else if (method === 'GET' || method === 'HEAD')
      send(Object.hasOwn(folders.read, name) ? folders.read[name] : undefined, rest, request, response)
    else end(response, 405)
    return true
  }
  return { secret, handle }
}

function segmentsOf(url = '/'): string[] {
  const path = url.split(/[?#]/, 1)[0] ?? ''
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return []
  }
}

/** A file below a folder, or undefined when the path leads out of it. Links inside the folder may point anywhere. */
function fileBelow(folder: string, segments: readonly string[]): string | undefined {
  const isPlain = (segment: string): boolean =>
    segment !== '' && segment !== '.' && segment !== '..' && !/[/\\\0]/.test(segment)
  return segments.length > 0 && segments.every(isPlain) ? join(resolve(folder), ...segments) : undefined
}

function send(
  folder: string | undefined,
  segments: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = folder === undefined ? undefined : fileBelow(folder, segments)
  const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })
  if (path === undefined || !stat?.isFile()) {
    end(response, 404)
    return
  }
  const range = rangeOf(request.headers.range, stat.size)
  if (range === 'outside') {
    response.setHeader('Content-Range', `bytes */${stat.size}`)
    end(response, 416)
    return
  }
  const { start, end: stop } = range ?? { start: 0, end: stat.size }
  response.statusCode = range ? 206 : 200
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Type', 'application/octet-stream')
  response.setHeader('Content-Length', stop - start)
  if (range) response.setHeader('Content-Range', `bytes ${start}-${stop - 1}/${stat.size}`)
  if (request.method === 'HEAD' || stop === start) {
    response.end()
    return
  }
  const stream = createReadStream(realpathSync(path), { start, end: stop - 1 })
  stream.on('error', (error) => response.destroy(error))
  response.on('close', () => stream.destroy())
  stream.pipe(response)
}

/** One range of a `Range` header, as start and end + 1; undefined when the whole file is to be sent. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'outside' | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size : Math.min(Number(to) + 1, size)
  return start >= size || end <= start ? 'outside' : { start, end }
}

async function receive(
  target: SharedFolders['write'],
  segments: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = segments.join('/')
  const isAllowed = target?.names.some((name) =>
    typeof name === 'string' ? name === asked : name.test(asked),
  )
  const path = target && isAllowed ? fileBelow(target.folder, segments) : undefined
  if (path === undefined) {
    end(response, 403)
    return
  }
  const partial = `${path}.partial`
  try {
    mkdirSync(join(path, '..'), { recursive: true })
    await pipeline(request, createWriteStream(partial))
    renameSync(partial, path)
    end(response, 204)
  } catch (error) {
    rmSync(partial, { force: true })
    response.statusCode = (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 507 : 500
    response.end(error instanceof Error ? error.message : String(error))
  }
}

function end(response: ServerResponse, status: number): void {
  response.statusCode = status
  response.end()
}
