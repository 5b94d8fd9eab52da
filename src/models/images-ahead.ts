import { type ImageRef, type OpenFile, readImage } from '../data/images.ts'
import type { PromptEncoder } from './prompt-encoder.ts'

/** Rows whose images are read and computed together. */
const ROWS_AHEAD = 16

interface Illustrated {
  /** File and row, for error messages. */
  readonly where: string
  readonly images: readonly ImageRef[]
}

/**
 * Rows in their order with the bytes of their images, whose features are computed several rows at a time; bytes are held
 * for no more rows than that.
 * @throws {DataError} when an image is missing.
 */
export async function* imagesAhead<T extends Illustrated>(
  rows: AsyncIterable<T>,
  open: OpenFile,
  encoder: PromptEncoder,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly row: T; readonly images: readonly Uint8Array<ArrayBuffer>[] }> {
  const held: { row: T; images: Uint8Array<ArrayBuffer>[] }[] = []
  async function* flush() {
    signal?.throwIfAborted()
    await encoder.prepare(
      held.map(({ images }) => images),
      signal,
    )
    yield* held.splice(0)
  }
  for await (const row of rows) {
    const images: Uint8Array<ArrayBuffer>[] = []
    for (const image of row.images) images.push(await readImage(image, open, row.where, signal))
    held.push({ row, images })
    if (held.length >= ROWS_AHEAD) yield* flush()
  }
  yield* flush()
}
