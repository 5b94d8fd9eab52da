import { ClipError } from './clip-error.ts'

/** Embeddings of images and texts, row by row; their lengths do not matter. */
export interface AllPairs {
  readonly images: Float32Array<ArrayBuffer> // (I, dim)
  readonly texts: Float32Array<ArrayBuffer> // (N, dim)
  /** Numbers in an embedding. */
  readonly dim: number
}

/** Images and each one's own texts: those of image i are rows offsets[i] to offsets[i + 1] - 1. */
export interface Candidates extends AllPairs {
  readonly offsets: Uint32Array<ArrayBuffer> // (I + 1), from 0 to N, never falling
}

/** @throws {ClipError} when a matrix is not made of whole rows. */
export function checkPairs({ images, texts, dim }: AllPairs): { imageCount: number; textCount: number } {
  if (!(Number.isInteger(dim) && dim >= 1))
    throw new ClipError(`expected dim to be a whole number from 1, got ${dim}`)
  for (const [name, { length }] of Object.entries({ images, texts })) {
    if (length % dim !== 0)
      throw new ClipError(`expected ${name} in rows of ${dim} numbers, got ${length} numbers`)
  }
  return { imageCount: images.length / dim, textCount: texts.length / dim }
}

/** @throws {ClipError} unless the offsets divide all texts among all images. */
export function checkOffsets(offsets: Uint32Array, images: number, texts: number): void {
  if (offsets.length !== images + 1) {
    throw new ClipError(
      `expected ${images + 1} offsets, one for each of ${images} images and the end, got ${offsets.length}`,
    )
  }
  if (offsets[0] !== 0 || offsets[images] !== texts) {
    throw new ClipError(
      `expected offsets from 0 to ${texts}, the number of texts, got ${offsets[0]} to ${offsets[images]}`,
    )
  }
  const fall = offsets.findIndex((offset, i) => i > 0 && offset < (offsets[i - 1] ?? 0))
  if (fall > 0)
    throw new ClipError(
      `expected offsets that never fall, got ${offsets[fall - 1]} then ${offsets[fall]} at ${fall}`,
    )
}

/** The mean of the rows at unit length, and its own length; a zero row counts as zero. @param rows (n, dim), n >= 1. */
export function meanUnitRow(
  rows: Float32Array,
  dim: number,
): { row: Float32Array<ArrayBuffer>; length: number } {
  const mean = new Float64Array(dim)
  const count = rows.length / dim
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * dim, (i + 1) * dim)
    const norm = lengthOf(row)
    if (norm > 0)
      row.forEach((value, c) => {
        mean[c] = (mean[c] as number) + value / (norm * count)
      })
  }
  const row = Float32Array.from(mean)
  return { row, length: lengthOf(row) }
}

/** Summed in float64, which neither overflows nor vanishes on squares of f32 numbers. */
function lengthOf(row: Float32Array): number {
  return Math.sqrt(row.reduce((squares, value) => squares + value * value, 0))
}
