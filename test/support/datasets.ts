import { readdirSync, readFileSync } from 'node:fs'
import { type ByteSource, blobSource } from '../../src/data/bytes.ts'
import type { FolderSpec } from '../../src/data/folder.ts'

const FOLDER = new URL('../goldens/image-datasets/', import.meta.url)

/** A file of the goldens that `tools/goldens/image_datasets.py` writes. */
export function golden(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(path, FOLDER)))
}

/** Names of the goldens' images. */
export const IMAGES: readonly string[] = readdirSync(new URL('images/', FOLDER)).sort()

export function source(bytes: Uint8Array<ArrayBuffer>, name = 'file'): ByteSource {
  return blobSource(new Blob([bytes]), name)
}

/** Everything a stream gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** A whole file as text. */
export async function contentOf(file: ByteSource | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (!file) throw new Error('expected a file, found none')
  return await file.read(0, file.byteLength)
}

/** Dropped files by their path: bytes, text, or JSON. */
export function dropped(files: Readonly<Record<string, unknown>>): FolderSpec {
  const blob = (content: unknown): Blob =>
    new Blob([
      content instanceof Uint8Array
        ? (content as Uint8Array<ArrayBuffer>)
        : typeof content === 'string'
          ? content
          : JSON.stringify(content),
    ])
  return {
    name: 'drop',
    files: Object.fromEntries(Object.entries(files).map(([path, content]) => [path, blob(content)])),
  }
}

/** PNG images of one pixel each, no two alike, by a chunk the decoder passes over. */
export function tinyPng(seed: number): Uint8Array<ArrayBuffer> {
  const head = golden('images/plain.png').slice(0, 33)
  const chunk = new TextEncoder().encode(`....tEXtseed ${seed}`)
  return Uint8Array.of(...head, ...chunk)
}

/** A tar archive as POSIX has it, for paths of at most 100 bytes. */
export function tar(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array<ArrayBuffer>[] = []
  for (const [path, content] of Object.entries(files)) {
    const header = new Uint8Array(512)
    const put = (text: string, at: number): void => header.set(new TextEncoder().encode(text), at)
    put(path, 0)
    put(content.length.toString(8).padStart(11, '0'), 124)
    put('        0', 148)
    put('ustar\x0000', 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    blocks.push(header, content, new Uint8Array((512 - (content.length % 512)) % 512))
  }
  return new Uint8Array(Buffer.concat([...blocks, new Uint8Array(1024)]))
}
