import { DataError } from '../data/data-error.ts'
import { type ImageRef, type OpenFile, readImage } from '../data/images.ts'
import type { PreferenceExample } from '../data/preference.ts'
import { sha256 } from '../data/sha256.ts'
import type { TokenPair } from './decoder/trainer.ts'
import type { RunKey } from './decoder/training-checkpoint.ts'
import type { KnownImage } from './image-features.ts'
import { imagesAhead } from './images-ahead.ts'
import type { PromptEncoder } from './prompt-encoder.ts'

/** Pairs as token ids, and where the image features of each come from when they are needed. */
export interface EncodedPairs {
  readonly pairs: TokenPair[]
  /** Rows that were left out, since their prompt alone fills `maxLength`. */
  readonly dropped: number
  /** @param pair its place in `pairs`. @returns (image tokens, hiddenSize); undefined for text alone. */
  features(pair: number): Promise<Float32Array | undefined>
}

export interface PairBounds {
  /** Longest sequence trained on, TRL's `max_length`; null cuts nothing. */
  readonly maxLength: number | null
  /** Longest sequence the model as it is loaded can take. */
  readonly maxPositions: number
}

/**
 * Turns a dataset's rows into token ids, a few rows at a time. Neither an image's bytes nor its features are held: features
 * are computed once, which also checks them, and fetched again from memory, from the store or from the image's file. Rows
 * whose prompt leaves no place for an answer within `maxLength` are left out, as TRL does where there are no images.
 * @throws {DataError} when an image is missing, no row is left, or a row has an empty answer or does not fit the model, and
 *   what the encoder throws, with file and row in front.
 */
export async function encodePairs(
  encoder: PromptEncoder,
  examples: AsyncIterable<PreferenceExample>,
  open: OpenFile,
  bounds: PairBounds,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, dropped: number) => void } = {},
): Promise<EncodedPairs> {
  const pairs: TokenPair[] = []
  const known: KnownImage[][] = []
  let dropped = 0
  for await (const { row, images } of imagesAhead(examples, open, encoder, signal)) {
    signal?.throwIfAborted()
    const { where, isTextOnly, prompt, chosen, rejected, weight } = row
    const { prefix, answers } = await atRow(where, async () =>
      isTextOnly
        ? encoder.encodeTextOnly(prompt, [chosen, rejected])
        : await encoder.encode(images, prompt, [chosen, rejected]),
    )
    const { key, ids } = prefix
    const [first = [], second = []] = answers
    const pair = { prefix: { key, ids }, chosen: first, rejected: second }
    if (bounds.maxLength !== null && ids.length >= bounds.maxLength) {
      dropped++
      onProgress?.(pairs.length, dropped)
      continue
    }
    checkPair(pair, where, bounds)
    pairs.push({ ...pair, ...(weight === undefined ? {} : { weight }) })
    const hashes = await Promise.all(images.map(sha256))
    known.push(row.images.map((ref, i) => ({ hash: hashes[i] ?? '', read: reader(ref, open, where) })))
    onProgress?.(pairs.length, dropped)
  }
  if (pairs.length === 0)
    throw new DataError(
      `expected prompts shorter than max_length (${bounds.maxLength} tokens), got none in ${dropped} rows; raise max_length`,
    )
  return { pairs, dropped, features: async (pair) => await encoder.features(known[pair] ?? []) }
}

function checkPair(
  { prefix, chosen, rejected }: TokenPair,
  where: string,
  { maxLength, maxPositions }: PairBounds,
): void {
  for (const [name, answer] of Object.entries({ chosen, rejected })) {
    if (answer.length === 0)
      throw new DataError(`${where}: ${name}: expected an answer of at least one token, got none`)
  }
  const whole = prefix.ids.length + Math.max(chosen.length, rejected.length)
  const length = Math.min(whole, maxLength ?? whole)
  if (length > maxPositions)
    throw new DataError(
      `${where}: expected at most ${maxPositions} tokens, the positions of the model as it is loaded, got ${length}; ` +
        'set max_length to cut answers, or load the model with more positions',
    )
}

/** Reads an image later on; bytes that came with their row are left to the browser, which may keep them on disk. */
function reader(ref: ImageRef, open: OpenFile, where: string): KnownImage['read'] {
  if ('path' in ref) return async () => await readImage(ref, open, where)
  const blob = new Blob([ref.bytes])
  return async () => new Uint8Array(await blob.arrayBuffer())
}

/** Puts file and row in front of what goes wrong with it. */
export async function atRow<T>(where: string, encode: () => Promise<T>): Promise<T> {
  try {
    return await encode()
  } catch (error) {
    if (error instanceof Error && error.name !== 'AbortError') error.message = `${where}: ${error.message}`
    throw error
  }
}

/**
 * What determines a run besides its settings and the model, hashed: the pairs with their images, and the adapter it starts
 * from. Pairs are hashed one by one, as no string could hold those of a large dataset.
 */
export async function hashRun(
  pairs: readonly TokenPair[],
  initial: Float32Array<ArrayBuffer>,
): Promise<RunKey> {
  const rows: string[] = []
  for (const { prefix, chosen, rejected, weight } of pairs)
    rows.push(await jsonHash([prefix.key, prefix.ids, chosen, rejected, weight]))
  return {
    pairs: await jsonHash(rows),
    adapter: await sha256(new Uint8Array(initial.buffer, initial.byteOffset, initial.byteLength)),
  }
}

async function jsonHash(value: unknown): Promise<string> {
  return await sha256(new TextEncoder().encode(JSON.stringify(value)))
}
