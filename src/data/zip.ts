import { Inflate } from 'fflate'
import { type ByteSource, bytesSource, partSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import { byCodeUnits, type Folder } from './folder.ts'
import type { Skipped } from './image-records.ts'
import { relativePath } from './paths.ts'
import { LOCAL, readZipDirectory, view, type ZipMember } from './zip-directory.ts'

const STORED = 0
const DEFLATED = 8
const CHUNK_BYTES = 2 ** 20
/** Unpacked at once: it may become a thousand times as much before anyone can count it. */
const PIECE_BYTES = 2 ** 14
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
  const members = new Map<string, ZipMember>()
  for (const member of await readZipDirectory(source, signal)) {
    if (/[/\\]$/.test(member.path)) continue // a folder
    const path = relativePath(member.path)
    const reason = refusal(path, member)
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

/** Why a member is left out. @param path undefined for one that leads out of the archive. */
function refusal(path: string | undefined, { flags, method, byteLength }: ZipMember): string | undefined {
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
  member: ZipMember,
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
  { byteLength, crc }: ZipMember,
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
      for (let piece = 0; piece < chunk.length; piece += PIECE_BYTES) {
        const isLast = end === packed.byteLength && piece + PIECE_BYTES >= chunk.length
        inflater.push(chunk.subarray(piece, piece + PIECE_BYTES), isLast)
      }
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

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

function checkSum(name: string, bytes: Uint8Array, expected: number): void {
  let crc = 0xffffffff
  // By index: thrice as fast as `of` over hundreds of megabytes.
  for (let i = 0; i < bytes.length; i++) crc = (CRC_TABLE[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (crc >>> 8)
  const found = ~crc >>> 0
  if (found !== expected)
    throw new DataError(
      `${name}: expected CRC-32 ${expected.toString(16)}, got ${found.toString(16)}: the archive is damaged`,
    )
}
