import type { OpenFile } from '../data/images.ts'
import type { PreferenceExample } from '../data/preference.ts'
import { sha256 } from '../data/sha256.ts'
import type { TokenPair } from './decoder/trainer.ts'
import type { RunKey } from './decoder/training-checkpoint.ts'
import { imagesAhead } from './images-ahead.ts'
import type { PromptEncoder } from './prompt-encoder.ts'

/**
 * Turns a dataset's rows into token ids and image features, a few rows at a time: an image's bytes are let go as soon as
 * its features are there.
 * @throws {DataError} when an image is missing, and what the encoder throws, with file and row in front.
 */
export async function encodePairs(
  encoder: PromptEncoder,
  examples: AsyncIterable<PreferenceExample>,
  open: OpenFile,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number) => void } = {},
): Promise<TokenPair[]> {
  const pairs: TokenPair[] = []
  for await (const { row, images } of imagesAhead(examples, open, encoder, signal)) {
    signal?.throwIfAborted()
    const { where, prompt, chosen, rejected, weight } = row
    const { prefix, answers } = await atRow(where, () => encoder.encode(images, prompt, [chosen, rejected]))
    const [first = [], second = []] = answers
    pairs.push({ prefix, chosen: first, rejected: second, ...(weight === undefined ? {} : { weight }) })
    onProgress?.(pairs.length)
  }
  return pairs
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

/** What determines a run besides its settings, hashed: the pairs with their images, and the adapter it starts from. */
export async function hashRun(
  pairs: readonly TokenPair[],
  initial: Float32Array<ArrayBuffer>,
): Promise<RunKey> {
  const rows = pairs.map(({ prefix, chosen, rejected, weight }) => [
    prefix.key,
    prefix.ids,
    chosen,
    rejected,
    weight,
  ])
  return {
    pairs: await sha256(new TextEncoder().encode(JSON.stringify(rows))),
    adapter: await sha256(new Uint8Array(initial.buffer, initial.byteOffset, initial.byteLength)),
  }
}
