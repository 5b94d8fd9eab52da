import type { AnyresGrid } from './anyres.ts'
import { ImageEncoderError } from './image-encoder-error.ts'

type Features = Float32Array<ArrayBuffer>

/**
 * Makes one list of features of an image's tiles, as transformers' `pack_image_features` does: those of the whole image first,
 * then those of its parts, row by row, a newline after each row.
 * @param tiles of the whole image and of its parts in the grid's order, each (side^2, hiddenSize).
 * @param newline learned, (hiddenSize).
 * @returns (side^2 + rows (cols + 1), hiddenSize).
 * @throws {ImageEncoderError} for another number of tiles, or of features in one.
 */
export function packTiles(tiles: readonly Features[], grid: AnyresGrid, newline: Float32Array): Features {
  const [base, ...parts] = tiles
  const { side, final } = grid
  const count = grid.tiles.rows * grid.tiles.cols
  if (!base || parts.length !== count) {
    throw new ImageEncoderError(
      `expected ${1 + count} tiles, one of the whole image and ${grid.tiles.rows} x ${grid.tiles.cols} of its parts, got ${tiles.length}; do image_grid_pinpoints of config.json and of the image processor differ?`,
    )
  }
  const hidden = newline.length
  for (const { length } of tiles) {
    if (length !== side * side * hidden) {
      throw new ImageEncoderError(
        `expected ${side} x ${side} rows of features for a tile, as config.json's vision_config says, got ${length / hidden} from the vision encoder`,
      )
    }
  }
  const packed = new Float32Array(base.length + final.rows * (final.cols + 1) * hidden)
  packed.set(base)
  let at = base.length
  for (let row = 0; row < final.rows; row++) {
    for (let col = 0; col < final.cols; col++, at += hidden)
      readFeature(parts, grid, row, col, packed.subarray(at, at + hidden))
    packed.set(newline, at)
    at += hidden
  }
  return packed
}

/** What an image that is one tile among others becomes: its features and a newline. */
export function packWhole(tile: Features, newline: Float32Array): Features {
  const packed = new Float32Array(tile.length + newline.length)
  packed.set(tile)
  packed.set(newline, tile.length)
  return packed
}

/** One of the final features: itself, or mixed of its four neighbours where the grid shrank (bilinear, corners not aligned). */
function readFeature(
  parts: readonly Features[],
  { tiles, side, kept, final }: AnyresGrid,
  row: number,
  col: number,
  to: Float32Array,
): void {
  const rows = neighbours(row, final.rows, kept.rows)
  const cols = neighbours(col, final.cols, kept.cols)
  for (const [keptRow, rowWeight] of rows) {
    for (const [keptCol, colWeight] of cols) {
      const [y, x] = [kept.top + keptRow, kept.left + keptCol]
      const tile = parts[Math.floor(y / side) * tiles.cols + Math.floor(x / side)] as Features
      const from = ((y % side) * side + (x % side)) * to.length
      const weight = rowWeight * colWeight
      for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + weight * (tile[from + i] as number)
    }
  }
}

/** The places along an axis of length `from` that make up place `at` of `to`, and their weights. */
function neighbours(at: number, to: number, from: number): (readonly [place: number, weight: number])[] {
  if (to === from) return [[at, 1]]
  const center = Math.max(0, (from / to) * (at + 0.5) - 0.5)
  const first = Math.floor(center)
  const weight = center - first
  return [
    [first, 1 - weight],
    [Math.min(first + 1, from - 1), weight],
  ]
}
