import { type AmberTruth, amberTruthOf } from '../../evaluate/amber.ts'
import type { WatchSettings } from '../../workers/policy.api.ts'
import { imageFile } from '../image-file.ts'
import type { StageContext } from '../stage.ts'
import type { DatasetItem, DatasetOutput } from './dataset.ts'

/** How a training is watched while it runs: by pictures it is not trained on. */
export interface WatchInputs {
  /** Each gives as many. */
  readonly datasets: readonly DatasetOutput[]
  readonly prompt: string
  readonly maxNewTokens: number
}

export interface WatchedPicture {
  readonly name: string
  readonly hash: string
  /** Undefined where it is not known. */
  readonly truth?: AmberTruth
}

/** What a model said in the course of its training: a by-product that depends on the training and changes nothing of it. */
export interface WatchedTraining {
  readonly prompt: string
  readonly pictures: readonly WatchedPicture[]
  readonly states: readonly WatchedState[]
}

export interface WatchedState {
  /** Steps done before. */
  readonly step: number
  /** By picture. */
  readonly answers: readonly string[]
  /** Whether the adapter of then is kept as well. */
  readonly isKept: boolean
}

/** Pictures looked at, and stretches of the training between two looks. */
const PICTURES = 4
const TIMES = 4
/** Adapters on the way are kept up to this size; of larger ones the last alone. */
const MOST_ADAPTER_BYTES = 2 ** 24

/** The unit that holds an adapter on the way. */
export const stateUnit = (step: number): string => `adapter after ${step}`

export const isKeptOnTheWay = (adapter: Uint8Array): boolean => adapter.length <= MOST_ADAPTER_BYTES

/** The pictures by which a training is watched: the first of each data set. */
export async function watchedPictures(datasets: readonly DatasetOutput[]): Promise<WatchedPicture[]> {
  const most = Math.floor(PICTURES / datasets.length)
  const pictures: WatchedPicture[] = []
  for (const { units } of datasets) {
    const first: DatasetItem[] = []
    for await (const [, items] of units.units()) {
      first.push(...items.slice(0, most - first.length))
      if (first.length === most) break
    }
    for (const { name, hash, truth } of first)
      pictures.push({ name, hash, ...(truth ? { truth: amberTruthOf(truth) } : {}) })
  }
  return pictures
}

/** What the policy's worker is asked for. @throws {ImageMissingError} */
export async function watchSettings(
  { store }: StageContext,
  { prompt, maxNewTokens }: WatchInputs,
  pictures: readonly WatchedPicture[],
): Promise<WatchSettings> {
  const images = await Promise.all(pictures.map((picture) => imageFile(store, picture)))
  return { requests: images.map((image) => ({ images: [image], prompt })), times: TIMES, maxNewTokens }
}
