import { anyresGrid, anyresRows, bestResolution } from './anyres.ts'
import { maxTiles } from './anyres-config.ts'
import { ConfigError } from './config-error.ts'
import type { CutImage, ImageProcessor } from './image-processor.ts'
import type { ProcessorFiles } from './processor-files.ts'

/** How many image tokens a model's processor puts for an image; undefined where its settings do not say. */
export type ImageTokens = (image: CutImage) => number | undefined

type Json = ProcessorFiles['processor']

/** Python's processors: LLaVA's by patches, Idefics 3's and SmolVLM's a fixed number a tile, the anyres ones by what is left unpadded. */
export function imageTokens(json: Json, processor: ImageProcessor): ImageTokens {
  const { image_seq_len, num_image_tokens } = json
  if (processor.anyres)
    return typeof num_image_tokens === 'number'
      ? onevisionTokens(json, num_image_tokens, processor)
      : nextTokens(json, processor)
  if (typeof image_seq_len === 'number') return ({ tiles }) => image_seq_len * tiles.length
  return (image) => tileTokens(json, image)
}

/** LLaVA's: a token for each patch, those the vision tower adds, and the class token dropped. */
function tileTokens(json: Json, { tiles: [tile] }: CutImage): number | undefined {
  const { patch_size: patch, num_additional_image_tokens: added = 0 } = json
  if (!tile || typeof patch !== 'number' || typeof added !== 'number') return undefined
  return Math.floor(tile.width / patch) * Math.floor(tile.height / patch) + added - dropped(json)
}

/** LlavaNextProcessor's `_get_number_of_features`, less a class token. */
function nextTokens(json: Json, processor: ImageProcessor): ImageTokens {
  const { patch_size: patch } = json
  return (image) => {
    const base = tileTokens(json, image)
    const [tile] = image.tiles
    if (base === undefined || !tile || typeof patch !== 'number') return undefined
    return base + partRows(image, tile, Math.floor(tile.height / patch), processor)
  }
}

/** LlavaOnevisionProcessor's: an image among others is one tile and a newline. */
function onevisionTokens(json: Json, whole: number, processor: ImageProcessor): ImageTokens {
  const fail = (message: string) => new ConfigError(`processor: ${message}`)
  const most = maxTiles(json.vision_aspect_ratio, fail)
  const side = Math.floor(Math.sqrt(whole))
  return (image) => {
    const [tile, ...parts] = image.tiles
    if (!tile) return undefined
    const rows = parts.length === 0 ? 1 : partRows(image, tile, side, processor, most)
    return whole + rows - dropped(json)
  }
}

/** Rows that an image's parts become, newlines included. @param side features along a tile's side. */
function partRows(
  { size }: CutImage,
  tile: { readonly width: number; readonly height: number },
  side: number,
  { anyres }: ImageProcessor,
  most?: number,
): number {
  const { width, height } = bestResolution(size, anyres?.pinpoints ?? [])
  const tiles = { rows: Math.floor(height / tile.height), cols: Math.floor(width / tile.width) }
  return anyresRows(anyresGrid(size, tiles, side, most))
}

function dropped({ vision_feature_select_strategy: strategy }: Json): number {
  return strategy === 'default' ? 1 : 0
}
