import * as v from 'valibot'
import type { ImageSize } from '../data/image-type.ts'
import { ConfigError } from './config-error.ts'

const side = v.pipe(v.number(), v.integer(), v.minValue(1))

/** A size as image processors' files write it, in pixels. */
export const boxSchema = v.looseObject({
  height: v.nullish(side),
  width: v.nullish(side),
  shortest_edge: v.nullish(side),
  longest_edge: v.nullish(side),
})
export const sizeSchema = v.union([side, boxSchema])
type Size = v.InferOutput<typeof sizeSchema>

/** Along a side, after Idefics 3's first resizing. */
export const MOST_PIXELS = 4096

/** What an image is resized to. @throws {ConfigError} for a size that says neither both sides nor one edge. */
export function targetSize({ width, height }: ImageSize, wanted: Size): [width: number, height: number] {
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

/** Idefics 3's: the other side is rounded up to an even number, and neither is above 4096. */
function longestEdge(width: number, height: number, edge: number): [number, number] {
  const even = (n: number): number => Math.max(1, n + (n % 2))
  const [wide, tall] =
    width >= height
      ? [edge, even(Math.trunc(edge / (width / height)))]
      : [even(Math.trunc(edge * (width / height))), edge]
  const ratio = wide / tall
  if (wide >= tall && wide > MOST_PIXELS) return [MOST_PIXELS, Math.max(1, Math.trunc(MOST_PIXELS / ratio))]
  if (tall > wide && tall > MOST_PIXELS) return [Math.max(1, Math.trunc(MOST_PIXELS * ratio)), MOST_PIXELS]
  return [wide, tall]
}

/** What is cut out of an image's middle. @throws {ConfigError} for a size that does not say both sides. */
export function cropSize(wanted: Size): [width: number, height: number] {
  if (typeof wanted === 'number') return [wanted, wanted]
  if (wanted.height && wanted.width) return [wanted.width, wanted.height]
  throw new ConfigError(
    `image processor: crop_size: expected height and width, got ${JSON.stringify(wanted)}`,
  )
}
