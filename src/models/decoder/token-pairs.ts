import { type PackedBatch, type PackOptions, type Prefix, packSequences, type Sequence } from './batch.ts'

/** A preference pair as token ids. */
export interface TokenPair {
  readonly prefix: Prefix
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
  /** Factor on the pair's loss. Default 1. */
  readonly weight?: number
}

/**
 * The chosen and rejected answers of some pairs as one batch, in turn, each cut to `maxLength` tokens with its prefix
 * (null: not at all).
 * @throws {ShapeError} as `packSequences`.
 */
export function packPairs(
  pairs: readonly TokenPair[],
  maxLength: number | null,
  options: PackOptions,
): PackedBatch {
  const sequences = pairs.flatMap(({ prefix, chosen, rejected }): Sequence[] => [
    { prefix, answer: truncated(prefix, chosen, maxLength) },
    { prefix, answer: truncated(prefix, rejected, maxLength) },
  ])
  return packSequences(sequences, options)
}

/** An answer cut so that its sequence has at most `maxLength` tokens, TRL's `keep_start`. */
function truncated(prefix: Prefix, answer: readonly number[], maxLength: number | null): readonly number[] {
  return maxLength === null ? answer : answer.slice(0, Math.max(0, maxLength - prefix.ids.length))
}
