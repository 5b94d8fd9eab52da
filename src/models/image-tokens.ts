import type { ImageSize } from '../data/image-type.ts'
import { anyresGrid, anyresRows, bestResolution, type Grid, mostAnyresRows } from './anyres.ts'
import { maxTiles } from './anyres-config.ts'
import { ConfigError } from './config-error.ts'
import type { ImageProcessor } from './image-processor.ts'
import type { ProcessorFiles } from './processor-files.ts'

/** Of a `CutImage` what the number of its tokens depends on. */
interface CutShape {
  readonly size: ImageSize
  readonly tiles: readonly ImageSize[]
}

/** How many image tokens a model's processor puts for an image; undefined where its settings do not say. */
export interface ImageTokens {
  of(image: CutShape): number | undefined
  /** The most of any image, and the rows and columns of marked parts it then has. */
  readonly most: { readonly tokens: number; readonly parts: Grid } | undefined
}

type Json = ProcessorFiles['processor']

const NO_PARTS: Grid = { rows: 0, cols: 0 }

/**
 * Python's processors: LLaVA's counts patches, Idefics 3's and SmolVLM's put a fixed number a tile, the anyres ones count what
 * is left unpadded.
 * @param json `processor_config.json`.
 */
export function imageTokens(json: Json, processor: ImageProcessor): ImageTokens {
  const { image_seq_len, num_image_tokens } = json
  if (processor.anyres)
    return typeof num_image_tokens === 'number'
      ? onevisionTokens(json, num_image_tokens, processor)
      : nextTokens(json, processor)
  if (typeof image_seq_len === 'number') return fixedTokens(image_seq_len, processor)
  return { of: (image) => tileTokens(json, image.tiles[0]), most: most(tileTokens(json, processor.tileSize)) }
}

function most(tokens: number | undefined, parts = NO_PARTS): ImageTokens['most'] {
  return tokens === undefined ? undefined : { tokens, parts }
}

function fixedTokens(perTile: number, { mostParts: parts }: ImageProcessor): ImageTokens {
  return {
    of: ({ tiles }) => perTile * tiles.length,
    most: parts && most(perTile * (parts.rows * parts.cols + 1), parts),
  }
}

/** LLaVA's: a token for each patch, those the vision tower adds, and the class token dropped. */
function tileTokens(json: Json, tile: ImageSize | undefined): number | undefined {
  const { patch_size: patch, num_additional_image_tokens: added = 0 } = json
  if (!tile || typeof patch !== 'number' || typeof added !== 'number') return undefined
  return Math.floor(tile.width / patch) * Math.floor(tile.height / patch) + added - dropped(json)
}

/** LlavaNextProcessor's `_get_number_of_features`, less a class token. */
function nextTokens(json: Json, processor: ImageProcessor): ImageTokens {
  const side = (tile: ImageSize): number => Math.floor(tile.height / Number(json.patch_size))
  const { tileSize } = processor
  const base = tileTokens(json, tileSize)
  return {
    of({ size, tiles: [tile] }) {
      const whole = tileTokens(json, tile)
      return tile && whole !== undefined ? whole + partRows(size, tile, side(tile), processor) : undefined
    },
    most: tileSize && base ? most(base + mostPartRows(tileSize, side(tileSize), processor)) : undefined,
  }
}

/** LlavaOnevisionProcessor's: an image among others is one tile and a newline. */
function onevisionTokens(json: Json, whole: number, processor: ImageProcessor): ImageTokens {
  const limit = maxTiles(json.vision_aspect_ratio, (message) => new ConfigError(`processor: ${message}`))
  const side = Math.floor(Math.sqrt(whole))
  const base = whole - dropped(json)
  const { tileSize } = processor
  return {
    of({ size, tiles: [tile, ...parts] }) {
      if (!tile) return undefined
      return base + (parts.length === 0 ? 1 : partRows(size, tile, side, processor, limit))
    },
    most: tileSize && most(base + mostPartRows(tileSize, side, processor, limit)),
  }
}

/** Rows that an image's parts become, newlines included. @param side features along a tile's side. */
function partRows(
  image: ImageSize,
  tile: ImageSize,
  side: number,
  { anyres }: ImageProcessor,
  limit?: number,
): number {
  const grid = tileGrid(bestResolution(image, anyres?.pinpoints ?? []), tile)
  return anyresRows(anyresGrid(image, grid, side, limit))
}

function mostPartRows(tile: ImageSize, side: number, { anyres }: ImageProcessor, limit?: number): number {
  const grids = (anyres?.pinpoints ?? []).map(([height, width]) => tileGrid({ width, height }, tile))
  return mostAnyresRows(grids, side, limit)
}

function tileGrid({ width, height }: ImageSize, tile: ImageSize): Grid {
  return { rows: Math.floor(height / tile.height), cols: Math.floor(width / tile.width) }
}

function dropped({ vision_feature_select_strategy: strategy }: Json): number {
  return strategy === 'default' ? 1 : 0
}
