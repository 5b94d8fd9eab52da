import { Inflate } from 'fflate'
import { type ByteSource, bytesSource, partSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import { byCodeUnits, type Folder } from './folder.ts'
import type { Skipped } from './image-records.ts'
import { relativePath } from './paths.ts'

/** A member of an archive, as its directory tells of it. */
interface Member {
  readonly path: string
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
const LOCAL = 0x04034b50
const STORED = 0
const DEFLATED = 8
const CHUNK_BYTES = 2 ** 20
/** What is packed is unpacked whole; stored members of any size are read where they lie. */
const MAX_UNPACKED_BYTES = 512 * 2 ** 20

/** Whether a file is a zip archive that is not empty. */
export async function isZip(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.byteLength < 22) return false
  return (await view(source, 0, 4, signal)).getUint32(0, true) === LOCAL
}

/**
 * The files of a zip archive as a folder, each unpacked when it is read and checked against its sum; the archive is
 * never held. Zip64 is known, encryption is not.
 * @param onSkip is told of members that cannot be read or whose paths lead out of the archive; they are left out.
 * @throws {DataError} when it is no zip archive or cut off.
 */
export async function zipFolder(
  source: ByteSource,
  onSkip: (skipped: Skipped) => void = () => {},
  signal?: AbortSignal,
): Promise<Folder> {
  const members = new Map<string, Member>()
  for (const { flags, ...member } of await readDirectory(source, signal)) {
    if (/[/\\]$/.test(member.path)) continue // a folder
    const path = relativePath(member.path)
    const reason = refusal(path, flags, member)
    if (reason === undefined) members.set(path as string, member)
    else onSkip({ name: member.path, reason })
  }
  return {
    name: source.name,
    paths: [...members.keys()].sort(byCodeUnits),
    async open(path, openSignal) {
      const member = members.get(path)
      return member && (await openMember(source, `${source.name}/${path}`, member, openSignal))
    },
  }
}

function refusal(
  path: string | undefined,
  flags: number,
  { method, byteLength }: Member,
): string | undefined {
  if (path === undefined) return 'expected a path within the archive, got one that leads out of it'
  if (flags & 1) return 'expected a file that is not encrypted, got an encrypted one'
  if (method !== STORED && method !== DEFLATED)
    return `expected a stored or deflated file, got compression method ${method}`
  if (method === DEFLATED && byteLength > MAX_UNPACKED_BYTES)
    return `expected at most ${MAX_UNPACKED_BYTES} bytes when unpacked, got ${byteLength}: unpack the archive first`
  return undefined
}

/** A member; a deflated one is unpacked at its first reading and kept as long as the source is. */
async function openMember(
  source: ByteSource,
  name: string,
  member: Member,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  const { headerOffset, packedLength, byteLength, method } = member
  const header = await view(source, headerOffset, headerOffset + 30, signal)
  if (header.getUint32(0, true) !== LOCAL)
    throw new DataError(`${name}: expected a file's header, found none`)
  // The lengths before the data may differ from those in the directory.
  const start = headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true)
  const packed = partSource(source, name, start, start + packedLength)
  if (method === STORED) return checkedWhenWhole(packed, member.crc)
  let unpacked: Promise<ByteSource> | undefined
  return {
    name,
    byteLength,
    async read(from, to, readSignal) {
      unpacked ??= inflate(packed, member, readSignal).then((bytes) => bytesSource(bytes, name))
      unpacked.catch(() => {
        unpacked = undefined
      })
      return await (await unpacked).read(from, to, readSignal)
    },
  }
}

/** A stored member, whose sum can be checked only when all of it is read at once, as images are. */
function checkedWhenWhole(source: ByteSource, crc: number): ByteSource {
  return {
    ...source,
    async read(start, end, signal) {
      const bytes = await source.read(start, end, signal)
      if (bytes.length === source.byteLength) checkSum(source.name, bytes, crc)
      return bytes
    },
  }
}

async function inflate(
  packed: ByteSource,
  { byteLength, crc }: Member,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(byteLength)
  let length = 0
  const fail = (got: string, cause?: unknown): DataError =>
    new DataError(`${packed.name}: expected ${byteLength} deflated bytes, got ${got}`, { cause })
  const inflater = new Inflate((part) => {
    if (length + part.length > byteLength) throw fail('more')
    bytes.set(part, length)
    length += part.length
  })
  for (let at = 0; at < packed.byteLength; at += CHUNK_BYTES) {
    const end = Math.min(at + CHUNK_BYTES, packed.byteLength)
    const chunk = await packed.read(at, end, signal)
    try {
      inflater.push(chunk, end === packed.byteLength)
    } catch (cause) {
      throw cause instanceof DataError
        ? cause
        : fail(cause instanceof Error ? cause.message : String(cause), cause)
    }
  }
  if (length !== byteLength) throw fail(`${length}`)
  checkSum(packed.name, bytes, crc)
  return bytes
}

async function readDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<(Member & { readonly flags: number })[]> {
  const { offset, byteLength, count } = await findDirectory(source, signal)
  const damaged = (): DataError =>
    new DataError(
      `${source.name}: expected a directory of ${count} files at the end of the archive, got a damaged one`,
    )
  if (offset + byteLength > source.byteLength) throw damaged()
  const data = await view(source, offset, offset + byteLength, signal)
  const members: (Member & { flags: number })[] = []
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
      path: new TextDecoder(flags & 0x800 ? 'utf-8' : 'latin1').decode(name),
      method: data.getUint16(at + 10, true),
      crc: data.getUint32(at + 16, true),
      ...places(data, at, at + 46 + nameLength, extraLength),
    })
    at = next
  }
  return members
}

/** Lengths and place of a member; those that do not fit 32 bits stand in the Zip64 extra field, in this order. */
function places(
  data: DataView,
  at: number,
  extraStart: number,
  extraLength: number,
): Pick<Member, 'byteLength' | 'packedLength' | 'headerOffset'> {
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

async function view(
  source: ByteSource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<DataView> {
  const bytes = await source.read(start, end, signal)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

function checkSum(name: string, bytes: Uint8Array, expected: number): void {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8)
  const found = ~crc >>> 0
  if (found !== expected)
    throw new DataError(
      `${name}: expected CRC-32 ${expected.toString(16)}, got ${found.toString(16)}: the archive is damaged`,
    )
}
