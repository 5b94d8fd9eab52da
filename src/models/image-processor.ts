import * as v from 'valibot'
import type { ImageSize } from '../data/image-type.ts'
import { readSchema } from '../method/schema.ts'
import type { Grid, Pinpoint } from './anyres.ts'
import { NEXT_PINPOINTS, ONEVISION_PINPOINTS, pinpointsSchema } from './anyres-config.ts'
import { ConfigError } from './config-error.ts'
import { crop } from './crop.ts'
import { boxSchema, cropSize, MOST_PIXELS, sizeSchema, targetSize } from './image-size.ts'
import { type AnyresTiling, anyresTiles, splitTiles, squared, wholeTiles } from './image-tiles.ts'
import { isResample, type Rgb, resize } from './resample.ts'

/** A tile as a vision encoder takes it. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly values: Float32Array<ArrayBuffer> // (3, height, width)
}

const flag = (on: boolean) => v.nullish(v.boolean(), on)
const channels = v.pipe(v.array(v.number()), v.length(3))
const schema = v.looseObject({
  image_processor_type: v.nullish(v.string()),
  do_resize: flag(true),
  size: v.nullish(sizeSchema),
  resample: v.nullish(v.number()),
  do_center_crop: flag(false),
  crop_size: v.nullish(sizeSchema),
  do_rescale: flag(true),
  rescale_factor: v.nullish(v.number(), 1 / 255),
  do_normalize: flag(true),
  image_mean: v.nullish(channels),
  image_std: v.nullish(channels),
  max_image_size: v.nullish(boxSchema),
  do_image_splitting: flag(true),
  do_pad: v.nullish(v.boolean()),
  image_grid_pinpoints: v.nullish(pinpointsSchema),
})
type Settings = v.InferOutput<typeof schema>

/** An image cut into the tiles a vision encoder takes, all of one size, before they are normalised. */
export interface CutImage {
  /** The image's own. */
  readonly size: ImageSize
  readonly tiles: readonly Rgb[]
  /** Rows and columns of the tiles before the last, which shows the whole; undefined where images are not split so. */
  readonly parts?: Grid
}

interface Kind {
  /** The filter that transformers takes where a file does not say. */
  readonly resample: number
  /** What the image becomes. Default whole, one tile. */
  readonly cut?: 'anyres' | 'split'
  readonly pinpoints?: readonly Pinpoint[]
  /** An image that is not alone in its prompt becomes one tile all the same. */
  readonly isWholeAmongOthers?: true
}

const KINDS: Readonly<Record<string, Kind>> = {
  CLIPImageProcessor: { resample: 3 },
  SiglipImageProcessor: { resample: 3 },
  Idefics3ImageProcessor: { resample: 1, cut: 'split' },
  SmolVLMImageProcessor: { resample: 1, cut: 'split' },
  LlavaNextImageProcessor: { resample: 3, cut: 'anyres', pinpoints: NEXT_PINPOINTS },
  LlavaOnevisionImageProcessor: {
    resample: 3,
    cut: 'anyres',
    pinpoints: ONEVISION_PINPOINTS,
    isWholeAmongOthers: true,
  },
}

/** Turns images into pixel values as transformers' Pillow image processors do. */
export class ImageProcessor {
  readonly #settings: Settings
  readonly #kind: Kind
  readonly #resample: number
  /** How images become tiles of several resolutions (anyres); undefined where they do not. */
  readonly anyres: AnyresTiling | undefined
  /** Of a tile in pixels, where images become tiles of one resolution, as Idefics 3's do. */
  readonly #splitSide: number | null | undefined

  /**
   * @param json `preprocessor_config.json`, or `image_processor` of `processor_config.json`.
   * @throws {ConfigError} naming the setting, what was expected and what came.
   */
  constructor(json: unknown) {
    const fail = (message: string) => new ConfigError(`image processor: ${message}`)
    this.#settings = readSchema(schema, json, fail)
    const type = (this.#settings.image_processor_type ?? 'none').replace(/(Fast|Pil)$/, '')
    const kind = KINDS[type.replace(/FeatureExtractor$/, 'ImageProcessor')]
    if (!kind)
      throw fail(`image_processor_type: expected one of ${Object.keys(KINDS).join(', ')}, got ${type}`)
    this.#kind = kind
    this.#resample = this.#settings.resample ?? kind.resample
    if (!isResample(this.#resample))
      throw fail(
        `resample: expected 1 (Lanczos), 2 (bilinear), 3 (bicubic) or 4 (box), got ${this.#resample}`,
      )
    const { do_resize, do_center_crop, crop_size, do_normalize, image_mean, image_std } = this.#settings
    if (do_resize && !this.#settings.size) throw fail('size: expected a size where do_resize is true')
    if (do_center_crop && !crop_size) throw fail('crop_size: expected a size where do_center_crop is true')
    if (do_normalize && !(image_mean && image_std))
      throw fail('image_mean and image_std: expected both where do_normalize is true')
    this.#splitSide = kind.cut === 'split' ? this.#settings.max_image_size?.longest_edge : undefined
    if (kind.cut === 'split' && !this.#splitSide) throw fail('max_image_size: expected longest_edge')
    this.anyres =
      kind.cut === 'anyres'
        ? anyresTiling(this.#settings, kind.pinpoints ?? [], this.#resample, fail)
        : undefined
  }

  /** Whether an image's tiles depend on its being alone in its prompt. */
  get isWholeAmongOthers(): boolean {
    return this.#kind.isWholeAmongOthers ?? false
  }

  /** Of every tile an image becomes, in pixels; undefined where it depends on the image. */
  get tileSize(): ImageSize | undefined {
    const { do_resize, size, do_center_crop, crop_size } = this.#settings
    if (this.#splitSide) return { width: this.#splitSide, height: this.#splitSide }
    if (do_center_crop && crop_size) {
      const [width, height] = cropSize(crop_size)
      return { width, height }
    }
    if (this.anyres) return do_resize ? this.anyres.base : undefined
    return do_resize && typeof size === 'object' && size?.width && size.height
      ? { width: size.width, height: size.height }
      : undefined
  }

  /** Rows and columns of parts an image is split into at most, none where it is not; undefined where there is no limit. */
  get mostParts(): Grid | undefined {
    const { do_resize, size } = this.#settings
    const side = this.#splitSide
    if (!side || !this.isSplitting) return { rows: 0, cols: 0 }
    if (!do_resize || typeof size !== 'object' || !size) return undefined
    const { longest_edge: edge } = size
    const square = edge ? Math.min(MOST_PIXELS, edge + (edge % 2)) : undefined
    const [wide, tall] = [size.width ?? square, size.height ?? square]
    if (!wide || !tall) return undefined
    const { width, height } = wholeTiles({ width: wide, height: tall }, side)
    return width === side && height === side
      ? { rows: 0, cols: 0 }
      : { rows: height / side, cols: width / side }
  }

  /** Whether an image becomes as many tiles as it needs beside the one that shows it whole. */
  get isSplitting(): boolean {
    return Boolean(this.#splitSide) && this.#settings.do_image_splitting
  }

  /**
   * Cuts an image into tiles.
   * @param image of any size.
   * @param isAlone whether its prompt has no other image. Default true.
   */
  cut(image: Rgb, isAlone = true): CutImage {
    const size = { width: image.width, height: image.height }
    const side = this.#splitSide
    if (side) {
      const { tiles, parts } = this.isSplitting
        ? splitTiles(this.#resized(image), side, this.#resample)
        : { tiles: [resize(this.#resized(image), side, side, this.#resample)], parts: { rows: 0, cols: 0 } }
      return { size, tiles, parts }
    }
    if (!this.anyres) return { size, tiles: [this.#oneTile(image)] }
    const isWhole = this.isWholeAmongOthers && !isAlone
    const tiles = isWhole
      ? [squared(image, this.#settings.image_mean ?? [])]
      : anyresTiles(image, this.anyres)
    return { size, tiles: tiles.map((tile) => this.#oneTile(tile)) }
  }

  /** The pixel values of an image that is taken whole. @throws {ConfigError} for settings that make it several tiles. */
  process(image: Rgb): Pixels {
    const { tiles } = this.cut(image)
    if (!tiles[0] || tiles.length > 1)
      throw new ConfigError(
        `image processor: expected settings that take an image whole, got ${this.#settings.image_processor_type}, which made ${tiles.length} tiles of it`,
      )
    return this.normalize(tiles[0])
  }

  #oneTile(image: Rgb): Rgb {
    const { do_center_crop, crop_size } = this.#settings
    const resized = this.#resized(image)
    return do_center_crop && crop_size ? centerCrop(resized, ...cropSize(crop_size)) : resized
  }

  #resized(image: Rgb): Rgb {
    const { do_resize, size: wanted } = this.#settings
    return do_resize && wanted ? resize(image, ...targetSize(image, wanted), this.#resample) : image
  }

  /** A tile's pixel values. */
  normalize({ width, height, data }: Rgb): Pixels {
    const { do_rescale, rescale_factor, do_normalize, image_mean, image_std } = this.#settings
    const count = width * height
    const values = new Float32Array(3 * count)
    for (let channel = 0; channel < 3; channel++) {
      const mean = do_normalize ? (image_mean?.[channel] ?? 0) : 0
      const std = do_normalize ? (image_std?.[channel] ?? 1) : 1
      for (let i = 0; i < count; i++) {
        const value = (data[3 * i + channel] as number) * (do_rescale ? rescale_factor : 1)
        values[channel * count + i] = (value - mean) / std
      }
    }
    return { width, height, values }
  }
}

/** The middle of an image; what lies outside it is black. */
function centerCrop(image: Rgb, width: number, height: number): Rgb {
  const [left, top] = [cropStart(image.width, width), cropStart(image.height, height)]
  return crop(image, { left, top, width, height })
}

/** Where a crop begins, negative where it is larger than the image: transformers rounds padding up. */
function cropStart(have: number, want: number): number {
  return have >= want ? Math.floor((have - want) / 2) : -Math.ceil((want - have) / 2)
}

/** As `get_image_patches` reads the settings: a tile is as large as the crop, or else as the size. */
function anyresTiling(
  { crop_size, size: wanted, image_grid_pinpoints }: Settings,
  defaults: readonly Pinpoint[],
  resample: number,
  fail: (message: string) => ConfigError,
): AnyresTiling {
  const edge = typeof wanted === 'number' ? wanted : wanted?.shortest_edge
  const [width, height] =
    typeof wanted === 'object' && wanted?.height && wanted.width
      ? [wanted.width, wanted.height]
      : [edge, edge]
  if (!width || !height)
    throw fail(`size: expected height and width, or shortest_edge, got ${JSON.stringify(wanted)}`)
  const side = (typeof crop_size === 'number' ? crop_size : crop_size?.height) ?? height
  const pinpoints = image_grid_pinpoints ?? defaults
  const odd = pinpoints.find((pinpoint) => pinpoint.some((length) => length % side !== 0))
  if (odd)
    throw fail(`image_grid_pinpoints: expected multiples of a tile's ${side} pixels, got [${odd.join(', ')}]`)
  return { pinpoints, side, base: { width, height }, resample }
}
