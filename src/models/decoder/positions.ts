import type { DecoderConfig } from '../config.ts'

/**
 * Positions a session reaches where it does not say: the model's, at most 4096, or twice the tokens of the largest image
 * where that is more, so that there is room for its prompt and answer.
 * @param imageTokens most tokens an image takes. Default none.
 */
export function defaultPositions(
  { maxPositions, slidingWindow }: Pick<DecoderConfig, 'maxPositions' | 'slidingWindow'>,
  imageTokens = 0,
): number {
  return Math.min(maxPositions, Math.max(4096, 2 * imageTokens), slidingWindow ?? Number.POSITIVE_INFINITY)
}
