const TYPES = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const
type Packable = InstanceType<(typeof TYPES)[keyof typeof TYPES]>

/** Stands for the typed array of that number; no property of a packed value may start with this character. */
const PART = '\u0000part'
const HEADER_BYTES = 8
const align = (offset: number): number => Math.ceil(offset / 8) * 8

interface Head {
  readonly value: unknown
  readonly parts: readonly { readonly type: string; readonly byteLength: number }[]
}

/**
 * JSON with typed arrays in it as one sequence of bytes, which can be checked by one sum: the head's length (u32,
 * padded to 8), the head as JSON, the arrays, each from a multiple of 8. Properties that are undefined are left out
 * and -0 becomes 0, as JSON has it.
 * @throws {TypeError} for what would not come back as it went: NaN, infinities, undefined in lists, dates, maps, blobs.
 */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: Packable[] = []
  const head: Head = {
    value: flatten(value, parts, 'the value'),
    parts: parts.map((part) => ({ type: part.constructor.name, byteLength: part.byteLength })),
  }
  const json = new TextEncoder().encode(JSON.stringify(head))
  const offsets: number[] = []
  let end = HEADER_BYTES + json.length
  for (const part of parts) {
    offsets.push(align(end))
    end = align(end) + part.byteLength
  }
  const bytes = new Uint8Array(end)
  new DataView(bytes.buffer).setUint32(0, json.length, true)
  bytes.set(json, HEADER_BYTES)
  for (const [i, part] of parts.entries())
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offsets[i])
  return bytes
}

/** The inverse of `pack`; every typed array has a buffer of its own. @throws {RangeError} for bytes that `pack` did not write. */
export function unpack(bytes: Uint8Array<ArrayBuffer>): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  let end = HEADER_BYTES + length
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_BYTES, end))) as Head
  const parts = head.parts.map(({ type, byteLength }) => {
    const start = align(end)
    end = start + byteLength
    const Type = TYPES[type as keyof typeof TYPES]
    if (!Type || end > bytes.length)
      throw new RangeError(`unpack: expected ${byteLength} bytes of a known type, got ${type}`)
    return new Type(bytes.slice(start, end).buffer)
  })
  return unflatten(head.value, parts)
}

function flatten(value: unknown, parts: Packable[], path: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item, i) => flatten(item, parts, `${path}.${i}`))
  if (isPackable(value)) return { [PART]: parts.push(value) - 1 }
  if (isPlainObject(value)) {
    const kept = Object.entries(value).filter(([, item]) => item !== undefined)
    return Object.fromEntries(
      kept.map(([key, item]) => {
        if (key.startsWith('\u0000'))
          throw refusal(`${path}.${JSON.stringify(key)}`, 'a property of that name')
        return [key, flatten(item, parts, `${path}.${key}`)]
      }),
    )
  }
  throw refusal(path, typeof value === 'object' ? value.constructor.name : String(value))
}

function unflatten(value: unknown, parts: readonly Packable[]): unknown {
  if (Array.isArray(value)) return value.map((item) => unflatten(item, parts))
  if (typeof value !== 'object' || value === null) return value
  if (PART in value) return parts[(value as Record<typeof PART, number>)[PART]]
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unflatten(item, parts)]))
}

function isPackable(value: unknown): value is Packable {
  return ArrayBuffer.isView(value) && Object.hasOwn(TYPES, value.constructor.name)
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  const prototype = Object.getPrototypeOf(value) as unknown
  return prototype === null || prototype === Object.prototype
}

function refusal(path: string, got: string): TypeError {
  return new TypeError(
    `${path}: expected JSON or a typed array, which come back as they went, got ${got}: store it in another form`,
  )
}
