import type { Rgb } from './resample.ts'

/** Kept from picture to picture while they have one size: a canvas takes longer to make than most pictures to decode. */
let kept: OffscreenCanvasRenderingContext2D | undefined

/**
 * Decodes a PNG, JPEG, WebP or whatever the browser reads; colours as they are stored, transparency dropped.
 * @throws {Error} when it is no image.
 */
export async function decodeImage(bytes: Uint8Array<ArrayBuffer>): Promise<Rgb> {
  const bitmap = await createImageBitmap(new Blob([bytes]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  })
  const { width, height } = bitmap
  const context = contextOf(width, height)
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const rgba = context.getImageData(0, 0, width, height).data
  const data = new Uint8Array(3 * width * height)
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from] as number
    data[to + 1] = rgba[from + 1] as number
    data[to + 2] = rgba[from + 2] as number
  }
  return { width, height, data }
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (kept?.canvas.width === width && kept.canvas.height === height) return kept
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('expected a 2D canvas to decode images with, got none')
  context.globalCompositeOperation = 'copy' // nothing of the picture before shows through
  kept = context
  return context
}
