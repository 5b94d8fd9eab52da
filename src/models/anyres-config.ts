import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import type { Pinpoint } from './anyres.ts'
import { ConfigError } from './config-error.ts'

/** What `config.json` says of images that are cut into tiles of several resolutions. */
export interface AnyresConfig {
  readonly pinpoints: readonly Pinpoint[]
  /** Pixels along a tile's side. */
  readonly tileSize: number
  /** Features along a tile's side. */
  readonly side: number
  /** As many tiles' features are kept of an image's parts; undefined for any number. */
  readonly maxTiles?: number
}

const positive = v.pipe(v.number(), v.integer(), v.minValue(1))

export const pinpointsSchema = v.pipe(v.array(v.tuple([positive, positive])), v.minLength(1))

/** Resolutions where a file names none. */
export const NEXT_PINPOINTS: readonly Pinpoint[] = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
]
const UP_TO_SIX = [1, 2, 3, 4, 5, 6]
export const ONEVISION_PINPOINTS: readonly Pinpoint[] = UP_TO_SIX.flatMap((rows) =>
  UP_TO_SIX.map((cols): Pinpoint => [384 * rows, 384 * cols]),
)

/** What transformers takes where `vision_config` is left out, by the model's kind, and where a key of it is, by its own. */
const WITHOUT_VISION = {
  LlavaNextForConditionalGeneration: { image_size: 336, patch_size: 14 },
  LlavaOnevisionForConditionalGeneration: { image_size: 384, patch_size: 14 },
} as const
const VISION_KINDS: Readonly<Record<string, { image_size: number; patch_size: number }>> = {
  clip_vision_model: { image_size: 224, patch_size: 32 },
  siglip_vision_model: { image_size: 224, patch_size: 16 },
}

const schema = v.looseObject({
  image_grid_pinpoints: v.nullish(pinpointsSchema),
  vision_aspect_ratio: v.nullish(v.string()),
  vision_config: v.nullish(
    v.looseObject({
      model_type: v.nullish(v.string()),
      image_size: v.nullish(positive),
      patch_size: v.nullish(positive),
    }),
  ),
})

/**
 * Reads of a whole model's `config.json` how its images' tiles are put together.
 * @returns undefined for models whose images are not cut so.
 * @throws {ConfigError} naming the key, what was expected and what came.
 */
export function parseAnyresConfig(architecture: string, json: unknown): AnyresConfig | undefined {
  if (!(architecture in WITHOUT_VISION)) return undefined
  const fail = (message: string) => new ConfigError(`config.json: ${message}`)
  const { image_grid_pinpoints, vision_aspect_ratio, vision_config } = readSchema(schema, json, fail)
  const isNext = architecture === 'LlavaNextForConditionalGeneration'
  const vision = vision_config ?? WITHOUT_VISION[architecture as keyof typeof WITHOUT_VISION]
  const kind = vision_config?.model_type ?? (isNext ? 'clip_vision_model' : 'siglip_vision_model')
  const tileSize = vision.image_size ?? VISION_KINDS[kind]?.image_size
  const patchSize = vision.patch_size ?? VISION_KINDS[kind]?.patch_size
  if (!tileSize || !patchSize)
    throw fail(
      `vision_config: expected image_size and patch_size for a ${kind}, got ${tileSize} and ${patchSize}`,
    )
  return {
    pinpoints: image_grid_pinpoints ?? (isNext ? NEXT_PINPOINTS : ONEVISION_PINPOINTS),
    tileSize,
    side: Math.floor(tileSize / patchSize),
    ...(isNext ? {} : { maxTiles: maxTiles(vision_aspect_ratio, fail) }),
  }
}

/** N of `anyres_max_N`. @param aspectRatio default anyres_max_9. */
export function maxTiles(aspectRatio: unknown, fail: (message: string) => ConfigError): number {
  const [, count] = /^anyres_max_([1-9]\d*)$/.exec(String(aspectRatio ?? 'anyres_max_9')) ?? []
  if (count === undefined)
    throw fail(`vision_aspect_ratio: expected anyres_max_ and a number of tiles, got ${String(aspectRatio)}`)
  return Number(count)
}
