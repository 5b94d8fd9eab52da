import type { Rgb } from './resample.ts'

/** A rectangle in pixels; it may reach outside the image. */
export interface Rectangle {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Cuts a rectangle out of an image. @param background of what lies outside the image. Default black. */
export function crop(
  image: Rgb,
  { left, top, width, height }: Rectangle,
  background: readonly [red: number, green: number, blue: number] = [0, 0, 0],
): Rgb {
  if (left === 0 && top === 0 && width === image.width && height === image.height) return image
  const data = new Uint8Array(3 * width * height)
  if (background.some((channel) => channel !== 0))
    for (let at = 0; at < data.length; at += 3) data.set(background, at)
  const [from, to] = [Math.max(0, left), Math.min(image.width, left + width)]
  for (let y = Math.max(0, -top); y < Math.min(height, image.height - top) && from < to; y++) {
    const row = 3 * (y + top) * image.width
    data.set(image.data.subarray(row + 3 * from, row + 3 * to), 3 * (y * width + from - left))
  }
  return { width, height, data }
}
