/** How files begin that often lie where pictures are expected, byte by byte as Latin-1. */
const BEGINNINGS: readonly (readonly [begin: string, kind: string])[] = [
  ['PK\x03\x04', 'a zip archive'],
  ['PK\x05\x06', 'a zip archive without files'],
  ['PAR1', 'a parquet file'],
  ['\x1f\x8b', 'a gzip file'],
  ['%PDF', 'a PDF'],
  ['II*\0', 'a TIFF image'],
  ['MM\0*', 'a TIFF image'],
  ['\x1a\x45\xdf\xa3', 'a video'],
]
const MARKUP: readonly (readonly [begin: RegExp, kind: string])[] = [
  [/^<svg/i, 'an SVG drawing'],
  [/^<\?xml/i, 'an XML file, perhaps an SVG drawing'],
  [/^<(!doctype html|html)/i, 'a web page'],
]

/** Names a file that is none of the expected kind by its first bytes, of which it needs `TYPE_BYTES`. */
export function kindOfFile(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file'
  const begin = String.fromCharCode(...bytes.subarray(0, 32))
  const text = begin.replace(/^\xef\xbb\xbf/, '').trimStart()
  const known =
    BEGINNINGS.find(([expected]) => begin.startsWith(expected)) ??
    MARKUP.find(([expected]) => expected.test(text))
  if (known) return known[1]
  if (begin.slice(4, 8) === 'ftyp')
    return /^(hei|hev|mif1|msf1)/.test(begin.slice(8)) ? 'a HEIC image' : 'a video'
  const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'))
  return `a file that begins with ${first.join(' ')}`
}
