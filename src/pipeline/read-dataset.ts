import { DataError } from '../data/data-error.ts'
import type { ImageDataset } from '../data/image-dataset.ts'
import type { Skipped } from '../data/image-records.ts'
import type { Duplicate, HashedRecord } from '../data/unique.ts'
import type { ContentStore, StoredFile } from '../store/content.ts'
import type { StoredImage } from '../store/schema.ts'
import type { StageStore } from '../store/stages.ts'
import { jsonHash } from './hash.ts'
import { isInShare, type Share } from './share.ts'
import { makeThumbnail } from './thumbnails.ts'

/** What came of reading a dataset. */
export interface DatasetSummary {
  readonly images: number
  /** Of the images' files. */
  readonly byteLength: number
  /** Images with captions, and with known truth. */
  readonly captioned: number
  readonly withTruth: number
  readonly skipped: readonly Skipped[]
  readonly duplicates: readonly Duplicate[]
  /** SHA-256, hexadecimal, of the images' names, contents, captions and truth in their order. */
  readonly hash: string
}

/** What a dataset is read from and into. */
export interface DatasetJob {
  readonly dataset: ImageDataset
  readonly images: ContentStore
  readonly thumbnails: ContentStore
  readonly stage: StageStore<readonly StoredImage[], unknown>
}

export interface DatasetReadingOptions {
  readonly signal?: AbortSignal
  /** Which images by their contents. Default all. */
  readonly share?: Share | undefined
  /** Of these, images passed over at the beginning, and the most taken. Default 0, and all. */
  readonly skip?: number
  readonly limit?: number | undefined
  /** Is told after each unit of 16 images. */
  readonly onProgress?: (progress: { readonly images: number; readonly skipped: number }) => void
}

const UNIT_IMAGES = 16
/** Of images that wait to be stored together. */
const HELD_BYTES = 8 * 2 ** 20
/** Of images decoded at once, unless one alone has more; each takes 4 bytes, or 8 where colours are deep. */
const DECODED_PIXELS = 32e6

/**
 * Reads a dataset into the store: images and thumbnails by their contents, and what is said of them in units by number.
 * At most one unit is held. Called again after it was broken off, or when an image was lost, it reads the dataset anew
 * and makes what is missing; the outcome is the same.
 * @throws {DataError} when there is no image in it that can be decoded. @throws {StorageFullError}
 */
export async function readDataset(
  job: DatasetJob,
  options: DatasetReadingOptions = {},
): Promise<DatasetSummary> {
  const { signal, onProgress, share, skip = 0, limit = Number.POSITIVE_INFINITY } = options
  const skipped: Skipped[] = []
  const duplicates: Duplicate[] = []
  const unitHashes: string[] = []
  const sum = { images: 0, byteLength: 0, captioned: 0, withTruth: 0 }
  const unit = new Unit(job, (one) => skipped.push(one))

  const finishUnit = async (): Promise<void> => {
    const { stored, byteLength } = await unit.finish(unitHashes.length)
    unitHashes.push(await jsonHash(stored))
    sum.images += stored.length
    sum.byteLength += byteLength
    sum.captioned += stored.filter(({ captions }) => captions !== undefined).length
    sum.withTruth += stored.filter(({ truth }) => truth !== undefined).length
    onProgress?.({ images: sum.images, skipped: skipped.length })
  }

  const records = job.dataset.records({
    ...(signal ? { signal } : {}),
    onSkip: (one) => skipped.push(one),
    onDuplicate: (one) => duplicates.push(one),
  })
  let read = 0
  let passed = 0
  let taken = 0
  for await (const record of records) {
    signal?.throwIfAborted()
    if (taken === limit) break
    read++
    if (share && !isInShare(record.hash, share)) continue
    if (passed++ < skip) continue
    taken++
    await unit.add(record)
    if (unit.count === UNIT_IMAGES) await finishUnit()
  }
  if (unit.count > 0) await finishUnit()
  if (taken === 0 && share)
    throw new DataError(
      `expected some of the ${read} pictures in the share from ${share[0]} to ${share[1]}, found none: give more, or widen the share`,
    )
  if (sum.images === 0)
    throw new DataError(
      `expected a dataset with an image that can be decoded, found none; ${skipped[0]?.name}: ${skipped[0]?.reason}`,
    )
  return { ...sum, skipped, duplicates, hash: await jsonHash(unitHashes) }
}

/** Consecutive images of a dataset, stored in one go. */
class Unit {
  /** Images that came, stored or not. */
  count = 0
  #stored: StoredImage[] = []
  #storedBytes = 0
  #waiting: HashedRecord[] = []
  readonly #job: DatasetJob
  readonly #onSkip: (skipped: Skipped) => void

  constructor(job: DatasetJob, onSkip: (skipped: Skipped) => void) {
    this.#job = job
    this.#onSkip = onSkip
  }

  async add(record: HashedRecord): Promise<void> {
    this.count++
    this.#waiting.push(record)
    if (this.#waiting.reduce((total, { bytes }) => total + bytes.length, 0) > HELD_BYTES) await this.#flush()
  }

  /** Stores what is left and the unit under its number, and begins the next. */
  async finish(number: number): Promise<{ stored: readonly StoredImage[]; byteLength: number }> {
    await this.#flush()
    const { stage } = this.#job
    const finished = { stored: this.#stored, byteLength: this.#storedBytes }
    if (!(await stage.has(number))) {
      const hashes = finished.stored.map(({ hash }) => hash)
      await stage.put(number, finished.stored, { images: hashes, thumbnails: hashes })
    }
    this.count = 0
    this.#stored = []
    this.#storedBytes = 0
    return finished
  }

  /** Stores the images that wait and can be decoded, which the thumbnails that are there already have shown. */
  async #flush(): Promise<void> {
    const { images, thumbnails } = this.#job
    const records = this.#waiting.splice(0)
    const isThere = await thumbnails.hasMany(records.map(({ hash }) => hash))
    const tried: (StoredFile | string | undefined)[] = []
    for (const group of groupsOf(records, DECODED_PIXELS)) {
      const start = tried.length
      tried.push(
        ...(await Promise.all(group.map((record, i) => (isThere[start + i] ? undefined : attempt(record))))),
      )
    }
    const decoded = records.filter((_, i) => typeof tried[i] !== 'string')
    for (const [i, { name }] of records.entries()) {
      const reason = tried[i]
      if (typeof reason === 'string') this.#onSkip({ name, reason })
    }
    await images.putMany(decoded)
    await thumbnails.putMany(tried.filter((made) => typeof made === 'object'))
    for (const { bytes, ...image } of decoded) {
      this.#stored.push(image)
      this.#storedBytes += bytes.length
    }
  }
}

/** Consecutive images in groups of so many pixels at most, or of one that alone has more. */
function groupsOf(records: readonly HashedRecord[], mostPixels: number): HashedRecord[][] {
  const groups: HashedRecord[][] = []
  let pixels = Number.POSITIVE_INFINITY
  for (const record of records) {
    const own = record.width * record.height
    pixels += own
    if (pixels > mostPixels) {
      groups.push([])
      pixels = own
    }
    groups.at(-1)?.push(record)
  }
  return groups
}

/** A thumbnail, or why there can be none. */
async function attempt(record: HashedRecord): Promise<StoredFile | string> {
  try {
    return { hash: record.hash, bytes: (await makeThumbnail(record)).bytes }
  } catch (error) {
    if (error instanceof DataError) return error.message
    throw error
  }
}
