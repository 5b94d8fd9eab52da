import type { ImageSize } from '../data/image-type.ts'
import { bestResolution, fittedSize, type Pinpoint } from './anyres.ts'
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
