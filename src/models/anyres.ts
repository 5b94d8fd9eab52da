import type { ImageSize } from '../data/image-type.ts'

/** A resolution an image may be brought to, as configs write it. */
export type Pinpoint = readonly [height: number, width: number]

/** Places in rows and columns: of tiles, or of features. */
export interface Grid {
  readonly rows: number
  readonly cols: number
}

/** The features of an image's tiles laid out as the image, and what of them is kept. */
export interface AnyresGrid {
  readonly tiles: Grid
  /** Features along a tile's side. */
  readonly side: number
  /** Features that show the image and not its padding, and where they begin. */
  readonly kept: Grid & { readonly top: number; readonly left: number }
  /** Those that remain where they are more than the model takes; otherwise as `kept`. */
  readonly final: Grid
}

/**
 * The resolution that keeps most of an image's pixels and, among those, wastes fewest; transformers' `select_best_resolution`.
 * @param pinpoints at least one.
 */
export function bestResolution({ width, height }: ImageSize, pinpoints: readonly Pinpoint[]): ImageSize {
  let best: ImageSize = { width: 0, height: 0 }
  let [most, least] = [0, Number.POSITIVE_INFINITY]
  for (const [tall, wide] of pinpoints) {
    const scale = Math.min(wide / width, tall / height)
    const scaled = Math.trunc(width * scale) * Math.trunc(height * scale)
    const effective = Math.min(scaled, width * height)
    const wasted = wide * tall - effective
    if (effective > most || (effective === most && wasted < least)) {
      most = effective
      least = wasted
      best = { width: wide, height: tall }
    }
  }
  return best
}

/** An image's size when it just fits a resolution, its aspect ratio kept; transformers' `get_patch_output_size`. */
export function fittedSize({ width, height }: ImageSize, resolution: ImageSize): ImageSize {
  const [byWidth, byHeight] = [resolution.width / width, resolution.height / height]
  return byWidth < byHeight
    ? { width: resolution.width, height: Math.min(Math.ceil(height * byWidth), resolution.height) }
    : { width: Math.min(Math.ceil(width * byHeight), resolution.width), height: resolution.height }
}

/**
 * Lays tiles' features out as the image and says which are kept: `unpad_image`, and LLaVA-OneVision's limit.
 * @param image its own size.
 * @param side features along a tile's side.
 * @param maxTiles as many tiles' features are kept, N of `anyres_max_N`. Default any number.
 */
export function anyresGrid(image: ImageSize, tiles: Grid, side: number, maxTiles?: number): AnyresGrid {
  const kept = unpadded(image, { rows: tiles.rows * side, cols: tiles.cols * side })
  return { tiles, side, kept, final: limited(kept, side, maxTiles) }
}

/** Rows of features that a grid becomes: a newline ends each of its rows. */
export function anyresRows({ final }: AnyresGrid): number {
  return final.rows * (final.cols + 1)
}

/** The most rows any image may become at these resolutions: whichever part of a grid is kept. */
export function mostAnyresRows(tiles: readonly Grid[], side: number, maxTiles?: number): number {
  let most = 0
  for (const { rows: tall, cols: wide } of tiles) {
    const [rows, cols] = [tall * side, wide * side]
    const grids: Grid[] = []
    for (let padding = 0; 2 * padding <= rows; padding++) grids.push({ rows: rows - 2 * padding, cols })
    for (let padding = 0; 2 * padding <= cols; padding++) grids.push({ rows, cols: cols - 2 * padding })
    for (const grid of grids) {
      const final = limited(grid, side, maxTiles)
      most = Math.max(most, final.rows * (final.cols + 1))
    }
  }
  return most
}

function unpadded({ width, height }: ImageSize, { rows, cols }: Grid): AnyresGrid['kept'] {
  if (width / height > cols / rows) {
    const top = Math.floor((rows - wholePart(height * (cols / width))) / 2)
    return { top, left: 0, rows: rows - 2 * top, cols }
  }
  const left = Math.floor((cols - wholePart(width * (rows / height))) / 2)
  return { top: 0, left, rows, cols: cols - 2 * left }
}

/** Python's `int(round(x, 7))`, for which a hair less than a whole number is that number. */
function wholePart(x: number): number {
  return Math.trunc(Number(x.toFixed(7)))
}

function limited({ rows, cols }: Grid, side: number, maxTiles: number | undefined): Grid {
  if (maxTiles === undefined) return { rows, cols }
  const ratio = Math.sqrt((rows * cols) / (maxTiles * side ** 2))
  return ratio > 1.1 ? { rows: quotient(rows, ratio), cols: quotient(cols, ratio) } : { rows, cols }
}

/** Python's `a // b`, which is not the quotient's whole part where the division rounds up: 25 // (5 / 3) is 14. */
function quotient(a: number, b: number): number {
  return Math.round((a - (a % b)) / b)
}
