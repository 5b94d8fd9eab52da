import * as v from 'valibot'
import { readSchema } from '../method/schema.ts'
import { ConfigError } from './config-error.ts'
import { isResample, type Rgb, resize } from './resample.ts'

/** An image as a vision encoder takes it. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly values: Float32Array<ArrayBuffer> // (3, height, width)
}

const side = v.pipe(v.number(), v.integer(), v.minValue(1))
const box = v.looseObject({
  height: v.nullish(side),
  width: v.nullish(side),
  shortest_edge: v.nullish(side),
  longest_edge: v.nullish(side),
})
const size = v.union([side, box])
const flag = (on: boolean) => v.nullish(v.boolean(), on)
const channels = v.pipe(v.array(v.number()), v.length(3))
const schema = v.looseObject({
  image_processor_type: v.nullish(v.string()),
  do_resize: flag(true),
  size: v.nullish(size),
  resample: v.nullish(v.number()),
  do_center_crop: flag(false),
  crop_size: v.nullish(size),
  do_rescale: flag(true),
  rescale_factor: v.nullish(v.number(), 1 / 255),
  do_normalize: flag(true),
  image_mean: v.nullish(channels),
  image_std: v.nullish(channels),
  max_image_size: v.nullish(box),
  do_pad: v.nullish(v.boolean()),
})
type Settings = v.InferOutput<typeof schema>
type Size = v.InferOutput<typeof size>

/** Filters that transformers takes where a file does not say: bicubic, but Lanczos for Idefics 3's family. */
const KINDS: Readonly<Record<string, { resample: number; tile?: true }>> = {
  CLIPImageProcessor: { resample: 3 },
  SiglipImageProcessor: { resample: 3 },
  Idefics3ImageProcessor: { resample: 1, tile: true },
  SmolVLMImageProcessor: { resample: 1, tile: true },
}

/** Those that cut an image into tiles of several resolutions (anyres), whose features are put together by a learned newline. */
const ANYRES = /^Llava(Next|Onevision)ImageProcessor$/

/** Turns images into pixel values as transformers' Pillow image processors do. */
export class ImageProcessor {
  readonly #settings: Settings
  readonly #resample: number
  readonly #isTile: boolean

  /**
   * @param json `preprocessor_config.json`, or `image_processor` of `processor_config.json`. Of Idefics 3's family images
   *   become one tile each, whatever `do_image_splitting` says.
   * @throws {ConfigError} naming the setting, what was expected and what came.
   */
  constructor(json: unknown) {
    const fail = (message: string) => new ConfigError(`image processor: ${message}`)
    this.#settings = readSchema(schema, json, fail)
    const type = (this.#settings.image_processor_type ?? 'none').replace(/(Fast|Pil)$/, '')
    const kind = KINDS[type.replace(/FeatureExtractor$/, 'ImageProcessor')]
    if (ANYRES.test(type)) {
      throw fail(
        `image_processor_type: expected a processor that takes an image whole, got ${type}, whose tiles (anyres) are not computed here; take a model with one of ${Object.keys(KINDS).join(', ')}`,
      )
    }
    if (!kind)
      throw fail(`image_processor_type: expected one of ${Object.keys(KINDS).join(', ')}, got ${type}`)
    this.#isTile = kind.tile ?? false
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
    if (this.#isTile && !this.#settings.max_image_size?.longest_edge)
      throw fail('max_image_size: expected longest_edge')
  }

  /** @param image of any size. */
  process(image: Rgb): Pixels {
    const { do_resize, size: wanted, do_center_crop, crop_size, max_image_size } = this.#settings
    let current = image
    const scale = (width: number, height: number): void => {
      current = resize(current, width, height, this.#resample)
    }
    if (do_resize && wanted) scale(...targetSize(image, wanted))
    const tile = max_image_size?.longest_edge
    if (this.#isTile && tile) scale(tile, tile)
    if (do_center_crop && crop_size) current = centerCrop(current, ...cropSize(crop_size))
    return this.#normalized(current)
  }

  #normalized({ width, height, data }: Rgb): Pixels {
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

function targetSize({ width, height }: Rgb, wanted: Size): [width: number, height: number] {
  if (typeof wanted === 'number') return shortestEdge(width, height, wanted)
  if (wanted.height && wanted.width) return [wanted.width, wanted.height]
  if (wanted.shortest_edge && !wanted.longest_edge) return shortestEdge(width, height, wanted.shortest_edge)
  if (wanted.longest_edge && !wanted.shortest_edge) return longestEdge(width, height, wanted.longest_edge)
  throw new ConfigError(
    `image processor: size: expected height and width, shortest_edge or longest_edge, got ${JSON.stringify(wanted)}`,
  )
}

function shortestEdge(width: number, height: number, edge: number): [number, number] {
  return width <= height
    ? [edge, Math.trunc((edge * height) / width)]
    : [Math.trunc((edge * width) / height), edge]
}

/** Idefics 3's: the other side is rounded up to an even number. */
function longestEdge(width: number, height: number, edge: number): [number, number] {
  const even = (n: number): number => Math.max(1, n + (n % 2))
  return width >= height
    ? [edge, even(Math.trunc(edge / (width / height)))]
    : [even(Math.trunc(edge * (width / height))), edge]
}

function cropSize(wanted: Size): [width: number, height: number] {
  if (typeof wanted === 'number') return [wanted, wanted]
  if (wanted.height && wanted.width) return [wanted.width, wanted.height]
  throw new ConfigError(
    `image processor: crop_size: expected height and width, got ${JSON.stringify(wanted)}`,
  )
}

/** The middle of an image; what lies outside it is black. */
function centerCrop(image: Rgb, width: number, height: number): Rgb {
  if (width === image.width && height === image.height) return image
  const data = new Uint8Array(3 * width * height)
  const [left, top] = [cropStart(image.width, width), cropStart(image.height, height)]
  for (let y = 0; y < height; y++) {
    const sourceY = y + top
    if (sourceY < 0 || sourceY >= image.height) continue
    const [from, to] = [Math.max(0, left), Math.min(image.width, left + width)]
    const row = 3 * sourceY * image.width
    data.set(image.data.subarray(row + 3 * from, row + 3 * to), 3 * (y * width + from - left))
  }
  return { width, height, data }
}

/** Where a crop begins, negative where it is larger than the image: transformers rounds padding up. */
function cropStart(have: number, want: number): number {
  return have >= want ? Math.floor((have - want) / 2) : -Math.ceil((want - have) / 2)
}
