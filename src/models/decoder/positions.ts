import type { DecoderConfig } from '../config.ts'
import { ConfigError } from '../config-error.ts'

/** Positions a decoder gets unless more or fewer are asked for, at most: those of long contexts take memory. */
const USUAL_POSITIONS = 4096

/**
 * How many positions a decoder computes: those asked for, or else as many as it can, at most 4096, or twice the tokens of the
 * largest image where that is more, so that there is room for its prompt and answer.
 * @param imageTokens most tokens an image takes. Default none.
 * @throws {ConfigError} for more than are computed as transformers computes them.
 */
export function positionsOf(
  config: Pick<DecoderConfig, 'maxPositions' | 'slidingWindow' | 'rope'>,
  wanted?: number,
  imageTokens = 0,
): number {
  const limits = limitsOf(config)
  if (wanted === undefined) {
    const usual = Math.max(USUAL_POSITIONS, 2 * imageTokens)
    return Math.min(config.maxPositions, usual, ...limits.map(({ most }) => most))
  }
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new ConfigError(`maxPositions: expected a whole number from 1 on, got ${wanted}`)
  const passed = limits.find(({ most }) => wanted > most)
  if (passed)
    throw new ConfigError(`maxPositions: expected at most ${passed.most}, got ${wanted}: ${passed.why}`)
  return wanted
}

/** Beyond these a sequence would be computed as if it were another model's. */
function limitsOf({
  slidingWindow,
  rope,
}: Pick<DecoderConfig, 'slidingWindow' | 'rope'>): { most: number; why: string }[] {
  const limits: { most: number; why: string }[] = []
  if (slidingWindow !== undefined)
    limits.push({
      most: slidingWindow,
      why: 'beyond its sliding window this model sees no longer all that came before, which is not computed here',
    })
  if (rope.type === 'dynamic' || rope.type === 'longrope') {
    limits.push({
      most: rope.type === 'dynamic' ? rope.maxPositions : rope.originalMaxPositions,
      why: `beyond, its RoPE of type ${rope.type} turns by other angles in longer sequences, which is not computed here`,
    })
  }
  return limits
}
