/** Kinds of image files every browser with WebGPU decodes. */
export const IMAGE_TYPES = ['png', 'jpeg', 'webp', 'gif', 'bmp', 'avif'] as const
export type ImageType = (typeof IMAGE_TYPES)[number]

/** How many bytes `imageType` needs. */
export const TYPE_BYTES = 32

/** Width and height in pixels, as the file says before it is decoded. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

const latin = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end))

/** The kind of an image by its first bytes, or undefined when it is none of those known. */
export function imageType(bytes: Uint8Array): ImageType | undefined {
  if (latin(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png'
  if (latin(bytes, 0, 3) === '\xff\xd8\xff') return 'jpeg'
  if (latin(bytes, 0, 4) === 'RIFF' && latin(bytes, 8, 12) === 'WEBP') return 'webp'
  if (/^GIF8[79]a/.test(latin(bytes, 0, 6))) return 'gif'
  if (latin(bytes, 0, 2) === 'BM' && bytes.length >= 26 && view(bytes).getUint32(6, true) === 0) return 'bmp'
  if (latin(bytes, 4, 8) === 'ftyp' && /avi[fs]/.test(latin(bytes, 8, TYPE_BYTES))) return 'avif'
  return undefined
}

/** The size an image file gives, or undefined when it is cut off before. */
export function imageSize(bytes: Uint8Array, type: ImageType): ImageSize | undefined {
  try {
    const size = SIZES[type](view(bytes), bytes)
    return size && size.width > 0 && size.height > 0 ? size : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined // past the end
    throw error
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const SIZES: Readonly<Record<ImageType, (data: DataView, bytes: Uint8Array) => ImageSize | undefined>> = {
  png: (data) => ({ width: data.getUint32(16), height: data.getUint32(20) }),
  gif: (data) => ({ width: data.getUint16(6, true), height: data.getUint16(8, true) }),
  bmp: (data) => ({ width: data.getInt32(18, true), height: Math.abs(data.getInt32(22, true)) }), // top down: negative
  jpeg: jpegSize,
  webp: webpSize,
  avif: avifSize,
}

/** From the first start-of-frame segment (ITU T.81, B.2.2). */
function jpegSize(data: DataView): ImageSize {
  let at = 2
  for (;;) {
    const marker = data.getUint8(at + 1)
    if (data.getUint8(at) !== 0xff) throw new RangeError('expected a marker')
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { height: data.getUint16(at + 5), width: data.getUint16(at + 7) }
    if (marker === 0xff)
      at += 1 // padding
    else at += 2 + data.getUint16(at + 2)
  }
}

/** From the first chunk: extended, lossless or lossy (RFC 9649). */
function webpSize(data: DataView, bytes: Uint8Array): ImageSize | undefined {
  const uint24 = (at: number): number => data.getUint16(at, true) + data.getUint8(at + 2) * 65536
  switch (latin(bytes, 12, 16)) {
    case 'VP8X':
      return { width: 1 + uint24(24), height: 1 + uint24(27) }
    case 'VP8L': {
      const bits = data.getUint32(21, true)
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
    }
    case 'VP8 ':
      return { width: data.getUint16(26, true) & 0x3fff, height: data.getUint16(28, true) & 0x3fff }
    default:
      return undefined
  }
}

/** The largest `ispe` property among the items (ISO/IEC 23008-12); a grid's is that of the whole picture. */
function avifSize(data: DataView, bytes: Uint8Array): ImageSize | undefined {
  let largest: ImageSize | undefined
  for (let at = bytes.indexOf(0x69); at >= 0; at = bytes.indexOf(0x69, at + 1)) {
    if (latin(bytes, at, at + 4) !== 'ispe') continue
    const size = { width: data.getUint32(at + 8), height: data.getUint32(at + 12) }
    if (!largest || size.width * size.height > largest.width * largest.height) largest = size
  }
  return largest
}
