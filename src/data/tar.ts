import { type ByteSource, partSource } from './bytes.ts'
import { DataError } from './data-error.ts'

/** A file in a tar archive, read where it lies. */
export interface TarMember {
  readonly path: string
  readonly source: ByteSource
}

const BLOCK = 512

/**
 * The files of a tar archive in their order (POSIX ustar and pax, GNU long names and sizes); links, folders and
 * devices are passed over. Only headers are read.
 * @throws {DataError} when it is no tar archive, compressed, damaged or cut off.
 */
export async function* readTar(source: ByteSource, signal?: AbortSignal): AsyncGenerator<TarMember> {
  let at = 0
  let given: { path?: string; size?: number } = {}
  while (at + BLOCK <= source.byteLength) {
    const header = await source.read(at, at + BLOCK, signal)
    if (header.every((byte) => byte === 0)) return
    checkHeader(source.name, header, at)
    const type = String.fromCharCode(header[156] ?? 0)
    const byteLength = given.size ?? number(header, 124, 12)
    const start = at + BLOCK
    if (!(byteLength >= 0 && start + byteLength <= source.byteLength))
      // not a number in a damaged header
      throw new DataError(
        `${source.name}: expected ${byteLength} bytes at ${start}, got an archive that ends before`,
      )
    const body = (): Promise<Uint8Array> => source.read(start, start + byteLength, signal)
    if (type === 'x') given = { ...given, ...readPax(await body()) }
    else if (type === 'L') given = { ...given, path: text(await body()) }
    else {
      const path = given.path ?? pathOf(header)
      if ((type === '0' || type === '\0' || type === '7') && !path.endsWith('/'))
        yield { path, source: partSource(source, `${source.name}/${path}`, start, start + byteLength) }
      if (type !== 'g' && type !== 'K') given = {} // a pax or long name belongs to the file after it
    }
    at = start + Math.ceil(byteLength / BLOCK) * BLOCK
  }
  if (at > source.byteLength || at === 0)
    throw new DataError(`${source.name}: expected a tar archive, got one that is cut off`)
}

function checkHeader(name: string, header: Uint8Array, at: number): void {
  if (at === 0 && header[0] === 0x1f && header[1] === 0x8b)
    throw new DataError(`${name}: expected a tar archive, got a gzip file: unpack it with gunzip first`)
  let sum = 0
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 32 : byte
  const expected = number(header, 148, 8)
  if (sum !== expected)
    throw new DataError(`${name}: expected a tar header with the sum ${sum} at ${at}, got ${expected}`)
}

/** An octal number, or a binary one as GNU tar writes sizes past 8 GiB. */
function number(header: Uint8Array, start: number, length: number): number {
  const field = header.subarray(start, start + length)
  if ((field[0] ?? 0) & 0x80)
    return field.reduce((total, byte, i) => total * 256 + (i === 0 ? byte & 0x7f : byte), 0)
  return Number.parseInt(text(field).trim() || '0', 8)
}

function pathOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100))
  const isUstar = text(header.subarray(257, 263)) === 'ustar' && header[262] === 0 // GNU's has a blank there, and no prefix
  const prefix = isUstar ? text(header.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Path and size of a pax header: lines `length key=value`, the length counting all of the line. */
function readPax(body: Uint8Array): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {}
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(32, at)
    const length = blank < 0 ? 0 : Number(text(body.subarray(at, blank)))
    if (!(length > 0)) break
    const line = text(body.subarray(blank + 1, at + length - 1))
    const split = line.indexOf('=')
    if (line.slice(0, split) === 'path') found.path = line.slice(split + 1)
    if (line.slice(0, split) === 'size') found.size = Number(line.slice(split + 1))
    at += length
  }
  return found
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
