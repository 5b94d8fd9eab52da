import type { Answer, SpelledToken } from '../policy.api.ts'

/** Turns tokens into text, special ones into none. */
interface Decoder {
  decodeText(tokens: readonly number[]): string
}

/**
 * An answer's tokens as the texts they add, and those that might have stood in their places. What a token says depends on those
 * before it (a first word has no space before it), so each is decoded with them.
 */
export function spellTokens(
  decoder: Decoder,
  { tokens, logprobs, top }: Pick<Answer, 'tokens' | 'logprobs' | 'top'>,
): SpelledToken[] {
  let before = ''
  return tokens.map((token, i) => {
    const earlier = tokens.slice(0, i)
    const added = (id: number): string => decoder.decodeText([...earlier, id]).slice(before.length)
    const text = added(token)
    const { ids = [], logprobs: others = [] } = top[i] ?? {}
    const spelled = {
      text,
      logprob: logprobs[i] ?? 0,
      top: ids.map((id, k) => ({ text: added(id), logprob: others[k] ?? 0 })),
    }
    before += text
    return spelled
  })
}
