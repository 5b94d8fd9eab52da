import { type ImageDatasetSpec, openImageDataset } from '../data/image-dataset.ts'
import { datasetVersion } from './fingerprints.ts'
import { placeOf } from './share.ts'

/** What pictures that were given say of themselves, before anything of them is stored. */
export interface PicturesDescription {
  /** Names their contents, see `datasetVersion`. */
  readonly sha256: string
  /** Pictures that were looked at, each once, and whether these are all. */
  readonly images: number
  readonly isWhole: boolean
  /** Of how many it is known what they show. */
  readonly withTruth: number
  /** Where the share begins that is kept back to be measured on, from 0 to 1; undefined where there are too few pictures. */
  readonly heldOutFrom?: number
  /** Of the pictures that were looked at, how many are in that share. */
  readonly heldOut: number
}

/** Pictures looked at: enough to tell what a data set is like. */
const MOST = 1000
/** Where the kept-back share begins, of pictures so many that about a fifth of them is in it. */
const HELD_OUT_FROM = 0.8
const MANY = 50

/** Looks through pictures that were given. @throws {DataError} when there is none that could be one. */
export async function inspectPictures(
  spec: ImageDatasetSpec,
  site: string,
  signal = new AbortController().signal,
): Promise<PicturesDescription> {
  const places: number[] = []
  let withTruth = 0
  let isWhole = true
  for await (const { hash, truth } of (await openImageDataset(spec, signal)).records({ signal })) {
    if (places.length === MOST) {
      isWhole = false
      break
    }
    places.push(placeOf(hash))
    if (truth) withTruth++
  }
  const heldOutFrom = heldOutStart(places)
  return {
    sha256: await datasetVersion(spec, site, signal),
    images: places.length,
    isWhole,
    withTruth,
    ...(heldOutFrom === undefined ? {} : { heldOutFrom }),
    heldOut: places.filter((place) => place >= (heldOutFrom ?? 1)).length,
  }
}

/** Of few pictures a fifth exactly, but one at least: by chance alone all or none of them might be kept back. */
export function heldOutStart(places: readonly number[]): number | undefined {
  if (places.length >= MANY) return HELD_OUT_FROM
  if (places.length < 2) return undefined
  const sorted = places.toSorted((a, b) => a - b)
  const first = sorted.length - Math.max(1, Math.round((1 - HELD_OUT_FROM) * sorted.length))
  return ((sorted[first - 1] ?? 0) + (sorted[first] ?? 1)) / 2
}
