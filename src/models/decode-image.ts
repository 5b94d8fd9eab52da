import type { Rgb } from './resample.ts'

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
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('expected a 2D canvas to decode images with, got none')
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const rgba = context.getImageData(0, 0, width, height).data
  const data = new Uint8Array(3 * width * height)
  for (let i = 0; i < width * height; i++) data.set(rgba.subarray(4 * i, 4 * i + 3), 3 * i)
  return { width, height, data }
}
