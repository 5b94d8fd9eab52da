import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'

/** A member of an archive, as its directory tells of it. */
export interface ZipMember {
  readonly path: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packedLength: number
  readonly byteLength: number
  readonly headerOffset: number
}

const END = 0x06054b50
const END64 = 0x06064b50
const LOCATOR64 = 0x07064b50
const CENTRAL = 0x02014b50
/** What a member begins with. */
export const LOCAL = 0x04034b50

/**
 * The members of a zip archive as the directory at its end tells of them; nothing else is read.
 * @throws {DataError} when it is no zip archive, cut off, or its directory is damaged.
 */
export async function readZipDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<ZipMember[]> {
  const { offset, byteLength, count } = await findDirectory(source, signal)
  const damaged = (): DataError =>
    new DataError(
      `${source.name}: expected a directory of ${count} files at the end of the archive, got a damaged one`,
    )
  if (offset + byteLength > source.byteLength) throw damaged()
  const data = await view(source, offset, offset + byteLength, signal)
  const members: ZipMember[] = []
  let at = 0
  while (members.length < count) {
    if (at + 46 > byteLength || data.getUint32(at, true) !== CENTRAL) throw damaged()
    const nameLength = data.getUint16(at + 28, true)
    const extraLength = data.getUint16(at + 30, true)
    const next = at + 46 + nameLength + extraLength + data.getUint16(at + 32, true)
    if (next > byteLength) throw damaged()
    const flags = data.getUint16(at + 8, true)
    const name = new Uint8Array(data.buffer, data.byteOffset + at + 46, nameLength)
    members.push({
      flags,
      path: pathOf(name, (flags & 0x800) !== 0),
      method: data.getUint16(at + 10, true),
      crc: data.getUint32(at + 16, true),
      ...places(data, at, at + 46 + nameLength, extraLength),
    })
    at = next
  }
  return members
}

/** Names are UTF-8 where a flag says so, and often, as macOS writes them, where none does. */
function pathOf(name: Uint8Array, isUtf8: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: !isUtf8 }).decode(name)
  } catch {
    return new TextDecoder('latin1').decode(name)
  }
}

/** Lengths and place of a member; those that do not fit 32 bits stand in the Zip64 extra field, in this order. */
function places(
  data: DataView,
  at: number,
  extraStart: number,
  extraLength: number,
): Pick<ZipMember, 'byteLength' | 'packedLength' | 'headerOffset'> {
  const [byteLength = 0, packedLength = 0, headerOffset = 0] = [24, 20, 42].map((field) => {
    const value = data.getUint32(at + field, true)
    return value === 0xffffffff ? undefined : value
  })
  let wide = extraStart
  while (wide + 4 <= extraStart + extraLength && data.getUint16(wide, true) !== 1)
    wide += 4 + data.getUint16(wide + 2, true)
  wide += 4
  const or64 = (field: number, value: number): number => {
    if (data.getUint32(at + field, true) !== 0xffffffff || wide + 8 > extraStart + extraLength) return value
    wide += 8
    return Number(data.getBigUint64(wide - 8, true))
  }
  return {
    byteLength: or64(24, byteLength),
    packedLength: or64(20, packedLength),
    headerOffset: or64(42, headerOffset),
  }
}

async function findDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<{ offset: number; byteLength: number; count: number }> {
  const start = Math.max(0, source.byteLength - 22 - 0xffff) // a comment may follow
  const tail = await view(source, start, source.byteLength, signal)
  let at = tail.byteLength - 22
  const isEnd = (): boolean =>
    tail.getUint32(at, true) === END && at + 22 + tail.getUint16(at + 20, true) === tail.byteLength
  while (at >= 0 && !isEnd()) at-- // the comment may hold what looks like an end
  if (at < 0)
    throw new DataError(`${source.name}: expected a zip archive, got another file or one that is cut off`)
  const isWide = at >= 20 && tail.getUint32(at - 20, true) === LOCATOR64
  if (!isWide)
    return {
      count: tail.getUint16(at + 10, true),
      byteLength: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    }
  const wideAt = Number(tail.getBigUint64(at - 12, true))
  const wide = await view(source, wideAt, wideAt + 56, signal)
  if (wide.getUint32(0, true) !== END64)
    throw new DataError(`${source.name}: expected a Zip64 directory, found none`)
  return {
    count: Number(wide.getBigUint64(32, true)),
    byteLength: Number(wide.getBigUint64(40, true)),
    offset: Number(wide.getBigUint64(48, true)),
  }
}

/** Bytes `start .. end` to read numbers from. */
export async function view(
  source: ByteSource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<DataView> {
  const bytes = await source.read(start, end, signal)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
