import { DataError } from '../data/data-error.ts'
import type { ImageRecord } from '../data/image-records.ts'

/** A small copy of an image, encoded. */
export interface Thumbnail {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** `image/webp`, or `image/png` where the browser does not write WebP. */
  readonly mimeType: string
  /** In pixels. */
  readonly width: number
  readonly height: number
}

const QUALITY = 0.8

/**
 * Decodes an image and draws it smaller, which is at the same time the proof that it can be decoded. Turned as its EXIF
 * data says; of a moving one the first picture.
 * @param side of the square it fits in, in pixels; smaller images keep their size. Default 160.
 * @throws {DataError} when the browser cannot decode it.
 */
export async function makeThumbnail(
  { bytes, type, name }: Pick<ImageRecord, 'bytes' | 'type' | 'name'>,
  side = 160,
): Promise<Thumbnail> {
  const blob = new Blob([bytes], { type: `image/${type}` })
  const bitmap = await createImageBitmap(blob).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DataError(
      `${name}: expected an image the browser can decode, got a damaged ${type}: ${reason}`,
      {
        cause,
      },
    )
  })
  try {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height))
    const width = Math.max(1, Math.round(bitmap.width * scale))
    const height = Math.max(1, Math.round(bitmap.height * scale))
    const canvas = new OffscreenCanvas(width, height)
    const context = canvas.getContext('2d')
    if (!context) throw new Error('expected a 2D canvas to draw thumbnails on, got none')
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, width, height)
    const encoded = await canvas.convertToBlob({ type: 'image/webp', quality: QUALITY })
    return { bytes: new Uint8Array(await encoded.arrayBuffer()), mimeType: encoded.type, width, height }
  } finally {
    bitmap.close()
  }
}
