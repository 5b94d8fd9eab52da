import { type ByteSource, SourceError } from './bytes.ts'
import { DataError } from './data-error.ts'
import { kindOfFile } from './file-kind.ts'
import { type ImageSize, type ImageType, imageSize, imageType, TYPE_BYTES } from './image-type.ts'
import type { ImageTruth } from './truth.ts'

/** One image of a dataset, encoded as it came, with what the dataset says of it. */
export interface ImageRecord extends ImageSize {
  /** Path or name within the dataset. */
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: ImageType
  /** True descriptions. */
  readonly captions?: readonly string[]
  /** What is known to be in the picture, and what is not. */
  readonly truth?: ImageTruth
}

/** What a dataset says of an image. */
export type ImageNotes = Pick<ImageRecord, 'captions' | 'truth'>

/** A file or row that was passed over. */
export interface Skipped {
  readonly name: string
  /** What was expected and what came. */
  readonly reason: string
}

export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Is told of every image that could not be read and every file that is none. */
  readonly onSkip?: (skipped: Skipped) => void
  /** Larger files are passed over. Default 32 MiB. */
  readonly maxByteLength?: number
  /** Larger pictures are passed over: decoded they take 4 bytes a pixel. Default 64 million. */
  readonly maxPixels?: number
}

const WHOLE_BYTES = 2 ** 20
/** Models that fit the shorter side first would make such a picture too large to hold. */
const MOST_ELONGATED = 200

/**
 * Reads an image and looks at its first bytes and size; nothing is decoded.
 * @param open gives its file, or the bytes.
 * @returns undefined when it is no image or exceeds a limit, which `onSkip` is told.
 */
export async function readRecord(
  name: string,
  open: () => Promise<ByteSource | Uint8Array<ArrayBuffer> | undefined>,
  notes: ImageNotes,
  options: ReadOptions,
): Promise<ImageRecord | undefined> {
  const { signal, onSkip } = options
  signal?.throwIfAborted()
  try {
    return { name, ...(await readChecked(await open(), options)), ...notes }
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof DataError || error instanceof SourceError)) throw error
    onSkip?.({ name, reason: error.message })
    return undefined
  }
}

async function readChecked(
  source: ByteSource | Uint8Array<ArrayBuffer> | undefined,
  { signal, maxByteLength = 32 * 2 ** 20, maxPixels = 64e6 }: ReadOptions,
): Promise<Pick<ImageRecord, 'bytes' | 'type' | 'width' | 'height'>> {
  if (!source) throw new DataError('expected a file of that name, found none')
  const { byteLength } = source
  // Before anything is read: the first byte of a packed file costs as much as all of it.
  if (byteLength > maxByteLength)
    throw new DataError(`expected at most ${maxByteLength} bytes, got ${byteLength}`)
  const read = async (end: number): Promise<Uint8Array<ArrayBuffer>> =>
    source instanceof Uint8Array ? source : await source.read(0, end, signal)
  let bytes = await read(byteLength <= WHOLE_BYTES ? byteLength : TYPE_BYTES)
  const type = imageType(bytes)
  if (!type)
    throw new DataError(`expected a PNG, JPEG, WebP, GIF, BMP or AVIF image, got ${kindOfFile(bytes)}`)
  if (bytes.length < byteLength) bytes = await read(byteLength)
  const size = imageSize(bytes, type)
  if (!size) throw new DataError(`expected a ${type} image with its size, got one that is cut off or damaged`)
  const { width, height } = size
  if (width * height > maxPixels)
    throw new DataError(`expected at most ${maxPixels} pixels, got ${width} x ${height}`)
  if (Math.max(width, height) > MOST_ELONGATED * Math.min(width, height))
    throw new DataError(
      `expected a picture at most ${MOST_ELONGATED} times as long as wide, got ${width} x ${height}`,
    )
  return { bytes, type, ...size }
}
