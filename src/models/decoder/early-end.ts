import type { Generation } from './generation.ts'

/**
 * Asked about an answer's tokens after each new one.
 * @returns how many of them the answer ends with, or undefined when it goes on.
 */
export type EndsAt = (tokens: readonly number[]) => number | undefined

/**
 * Ends an answer at the first of its new tokens after which it is to end, so that it is the same however many tokens were
 * decoded at once.
 * @param known tokens that were asked about before.
 */
export function endEarly(generation: Generation, known: number, endsAt: EndsAt): void {
  const { tokens, logprobs, top } = generation
  for (let length = known + 1; length <= tokens.length; length++) {
    const end = endsAt(tokens.slice(0, length))
    if (end === undefined) continue
    for (const list of [tokens, logprobs, top]) list.splice(end)
    generation.finishReason = 'stop'
    return
  }
}
