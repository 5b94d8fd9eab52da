import type { ByteSource } from './bytes.ts'

/** Number types of the safetensors format and their bytes. */
const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const

export type SafetensorsDType = keyof typeof BYTES_PER_ELEMENT

/** Where one tensor lies in its file. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  /** First byte and end, counted from the start of the file. */
  readonly start: number
  readonly end: number
  readonly source: ByteSource
}

/** A checkpoint file is not what the safetensors format allows. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'
}

/** The format's own limit on the header, which keeps a hostile file from filling the memory. */
const MAX_HEADER_BYTES = 100_000_000

/**
 * Reads and checks the header of one safetensors file; no tensor is read.
 * @throws {SafetensorsError} when the header does not fit the file, is no JSON of the right form, names unknown number
 *   types, or its tensors overlap, leave gaps or pass the end of the file.
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<TensorEntry[]> {
  const fail = (message: string): never => {
    throw new SafetensorsError(`${source.name}: ${message}`)
  }
  if (source.byteLength < 8)
    fail(`expected at least 8 bytes, got ${source.byteLength}; is the file cut short?`)
  const prefix = await source.read(0, 8, signal)
  const headerByteLength = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true)
  if (headerByteLength > BigInt(MAX_HEADER_BYTES)) {
    fail(
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${headerByteLength}; is this a safetensors file?`,
    )
  }
  const dataStart = 8 + Number(headerByteLength)
  if (dataStart > source.byteLength) {
    fail(
      `expected a header of ${headerByteLength} bytes in the file, which has ${source.byteLength}; is it cut short?`,
    )
  }
  const header = parseHeader(await source.read(8, dataStart, signal), fail)
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => readEntry(name, value, dataStart, source, fail))
  checkLayout(entries, dataStart, source.byteLength, fail)
  return entries
}

type Fail = (message: string) => never

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    fail(`the header is no JSON text: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    fail('expected the header to be a JSON object')
  return header as Record<string, unknown>
}

function readEntry(
  name: string,
  value: unknown,
  dataStart: number,
  source: ByteSource,
  fail: Fail,
): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_ELEMENT, dtype)) {
    fail(
      `${name}: expected dtype to be one of ${Object.keys(BYTES_PER_ELEMENT).join(', ')}, got ${JSON.stringify(dtype)}`,
    )
  }
  if (!isWholeNumbers(shape))
    fail(`${name}: expected shape to be a list of whole numbers, got ${JSON.stringify(shape)}`)
  if (!isWholeNumbers(offsets) || (offsets as number[]).length !== 2) {
    fail(`${name}: expected data_offsets [begin, end], got ${JSON.stringify(offsets)}`)
  }
  const [begin, end] = offsets as [number, number]
  const kind = dtype as SafetensorsDType
  const expected = (shape as number[]).reduce((product, n) => product * n, BYTES_PER_ELEMENT[kind])
  if (end - begin !== expected) {
    fail(
      `${name}: expected ${expected} bytes for ${kind} (${(shape as number[]).join(', ')}), got data_offsets [${begin}, ${end}]`,
    )
  }
  return {
    name,
    dtype: kind,
    shape: shape as number[],
    start: dataStart + begin,
    end: dataStart + end,
    source,
  }
}

function isWholeNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)
}

function checkLayout(
  entries: readonly TensorEntry[],
  dataStart: number,
  byteLength: number,
  fail: Fail,
): void {
  let at = dataStart
  let previous = 'the header'
  for (const entry of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== at) {
      fail(
        `${entry.name} ${entry.start < at ? 'overlaps' : 'leaves a gap after'} ${previous}: expected byte ${at}, got ${entry.start}`,
      )
    }
    at = entry.end
    previous = entry.name
  }
  if (at !== byteLength) {
    fail(`expected the tensors to end with the file at byte ${byteLength}, got ${at}; is the file cut short?`)
  }
}

/** A tensor to be written. */
export interface TensorToWrite {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/**
 * Encodes one safetensors file, tensors in the order given and data aligned to 8 bytes.
 * @param metadata the header's `__metadata__`; PEFT expects `{ format: 'pt' }`, the default.
 * @throws {SafetensorsError} when a tensor's bytes do not fit its shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let offset = 0
  for (const [name, { dtype, shape, bytes }] of tensors) {
    const expected = shape.reduce((product, n) => product * n, BYTES_PER_ELEMENT[dtype])
    if (bytes.byteLength !== expected) {
      throw new SafetensorsError(
        `${name}: expected ${expected} bytes for ${dtype} (${shape.join(', ')}), got ${bytes.byteLength}`,
      )
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + expected] }
    offset += expected
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const headerByteLength = Math.ceil(json.length / 8) * 8
  const file = new Uint8Array(8 + headerByteLength + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerByteLength), true)
  file.fill(0x20, 8, 8 + headerByteLength) // the format pads with spaces
  file.set(json, 8)
  let at = 8 + headerByteLength
  for (const { bytes } of tensors.values()) {
    file.set(bytes, at)
    at += bytes.byteLength
  }
  return file
}
