import type { ImageSize } from '../data/image-type.ts'
import { bestResolution, fittedSize, type Grid, type Pinpoint } from './anyres.ts'
import { crop } from './crop.ts'
import { type Rgb, resize } from './resample.ts'

/** How an image is cut into tiles of several resolutions. */
export interface AnyresTiling {
  readonly pinpoints: readonly Pinpoint[]
  /** Of a tile of the image's parts, in pixels. */
  readonly side: number
  /** Of the tile that shows the whole image. */
  readonly base: ImageSize
  /** Pillow's filter. */
  readonly resample: number
}

/**
 * The whole image squeezed into one tile, then its parts row by row: the image fitted into its best resolution, centred on
 * black. As transformers' `get_image_patches`.
 */
export function anyresTiles(image: Rgb, { pinpoints, side, base, resample }: AnyresTiling): Rgb[] {
  const resolution = bestResolution(image, pinpoints)
  const fitted = fittedSize(image, resolution)
  const resized = resize(image, fitted.width, fitted.height, resample)
  const tiles = [resize(image, base.width, base.height, resample)]
  const start = {
    left: -Math.floor((resolution.width - fitted.width) / 2),
    top: -Math.floor((resolution.height - fitted.height) / 2),
  }
  for (let y = 0; y < resolution.height; y += side) {
    for (let x = 0; x < resolution.width; x += side)
      tiles.push(crop(resized, { left: start.left + x, top: start.top + y, width: side, height: side }))
  }
  return tiles
}

/** An image's parts row by row and then the whole, and how many rows and columns its parts are: none where it fits one tile. */
export interface SplitImage {
  readonly tiles: readonly Rgb[]
  readonly parts: Grid
}

/**
 * Stretches an image to whole tiles and cuts it into them, the whole image squeezed into one more tile at the end; an image
 * that is one tile stays it. As Idefics 3's `resize_for_vision_encoder` and `split_images`.
 * @param side of a tile in pixels.
 */
export function splitTiles(image: Rgb, side: number, resample: number): SplitImage {
  const { width, height } = wholeTiles(image, side)
  const stretched = resize(image, width, height, resample)
  if (width === side && height === side) return { tiles: [stretched], parts: { rows: 0, cols: 0 } }
  const parts = { rows: height / side, cols: width / side }
  const tiles: Rgb[] = []
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side)
      tiles.push(crop(stretched, { left, top, width: side, height: side }))
  }
  return { tiles: [...tiles, resize(stretched, side, side, resample)], parts }
}

/** The longer side rounded up to whole tiles, the other after it: what `splitTiles` stretches an image to. */
export function wholeTiles({ width, height }: ImageSize, side: number): ImageSize {
  const up = (length: number): number => Math.ceil(length / side) * side
  const ratio = width / height
  if (width >= height) return { width: up(width), height: up(Math.trunc(up(width) / ratio)) }
  return { width: up(Math.trunc(up(height) * ratio)), height: up(height) }
}

/** An image in the middle of a square of its longer side. @param mean the background's channels, 1 the brightest. */
export function squared(image: Rgb, mean: readonly number[]): Rgb {
  const side = Math.max(image.width, image.height)
  const start = {
    left: -Math.floor((side - image.width) / 2),
    top: -Math.floor((side - image.height) / 2),
  }
  const [red = 0, green = 0, blue = 0] = mean.map((channel) => Math.trunc(channel * 255))
  return crop(image, { ...start, width: side, height: side }, [red, green, blue])
}
