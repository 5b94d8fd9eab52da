import type { PreferencePair } from './candidate.ts'

/** A row of a preference dataset as TRL reads it: whole answers as messages, others as text to be used as it is. */
export interface TrainingRow {
  readonly images: readonly string[]
  readonly prompt: string | readonly { role: 'user'; content: string }[]
  readonly chosen: string | readonly { role: 'assistant'; content: string }[]
  readonly rejected: string | readonly { role: 'assistant'; content: string }[]
  readonly weight?: number
}

/**
 * A pair as a trainer reads it. Next sentences follow the beginning that both share, and an answer that was cut off is given
 * without an end, so that none is learnt from it.
 * @param image where the trainer finds the picture.
 * @throws {RangeError} for a pair of next sentences or cut-off answers that does not say how its prompt is written.
 */
export function trainingRow(pair: PreferencePair, image: string): TrainingRow {
  const { prompt, chosen, rejected, context, unfinished = [], verbatim, weight } = pair
  const shared = { images: [image], ...(weight === undefined ? {} : { weight }) }
  if (context === undefined && unfinished.length === 0) {
    const say = (text: string) => [{ role: 'assistant' as const, content: text.trim() }]
    return {
      ...shared,
      prompt: [{ role: 'user', content: prompt }],
      chosen: say(chosen),
      rejected: say(rejected),
    }
  }
  if (!verbatim) {
    throw new RangeError(
      `${pair.images[0]}: expected verbatim, how the model writes the prompt before next sentences and answers that were ` +
        'cut off, got none: write the candidates anew',
    )
  }
  const end = verbatim.end ?? ''
  const text = (side: 'chosen' | 'rejected'): string => {
    const own = pair[side]
    if (context !== undefined) return own.trim() === '' ? end : own
    return unfinished.includes(side) ? own : own + end
  }
  return { ...shared, prompt: verbatim.prompt, chosen: text('chosen'), rejected: text('rejected') }
}

/** A line of `pairs.jsonl`: TRL's columns, and what CLIP said of them beside. Pictures lie in `images`, by their hash. */
export function pairRow(pair: PreferencePair): object {
  const { images, imageHash, prompt: _, chosen: __, rejected: ___, verbatim: ____, ...rest } = pair
  return { ...trainingRow(pair, `images/${imageHash}`), name: images[0], ...rest }
}
