import { sentenceEnd } from '../method/sentence-end.ts'
import type { EndsAt } from './decoder/early-end.ts'

/** What an answer may say that ends it before a stop token does. */
export interface TextEnds {
  /** `sentence` ends an answer with its first sentence, once the next has begun. Default: answers go on. */
  readonly stopAfter?: 'sentence'
  /** Texts that end an answer; they are not part of its text. Default none. */
  readonly stopStrings?: readonly string[]
}

export interface EndedText {
  /** The text up to its end. */
  readonly text: string
  readonly by: 'sentence' | 'string'
}

/** Where a text ends itself, the earliest of all reasons; undefined while it goes on. */
export function endedText(text: string, { stopAfter, stopStrings = [] }: TextEnds): EndedText | undefined {
  const sentence = stopAfter === 'sentence' ? (sentenceEnd(text) ?? Number.POSITIVE_INFINITY) : Infinity
  const found = stopStrings.map((string) => text.indexOf(string)).filter((at) => at >= 0)
  const string = Math.min(Number.POSITIVE_INFINITY, ...found)
  if (Math.min(sentence, string) === Number.POSITIVE_INFINITY) return undefined
  return string < sentence
    ? { text: text.slice(0, string), by: 'string' }
    : { text: text.slice(0, sentence), by: 'sentence' }
}

/**
 * The rule by which a generator ends answers by their text: after a sentence the tokens that hold it are kept, after a stop
 * string all up to the one that completed it.
 * @param decode tokens to text.
 * @returns undefined when nothing in a text ends it.
 * @throws {RangeError} for an empty stop string.
 */
export function textEndRule(
  decode: (tokens: readonly number[]) => string,
  ends: TextEnds,
): EndsAt | undefined {
  const { stopAfter, stopStrings = [] } = ends
  if (stopStrings.includes(''))
    throw new RangeError('stopStrings: expected texts that are not empty, got an empty one')
  if (stopAfter === undefined && stopStrings.length === 0) return undefined
  return (tokens) => {
    const ended = endedText(decode(tokens), ends)
    if (ended?.by !== 'sentence') return ended && tokens.length
    let length = tokens.length
    while (length > 1 && decode(tokens.slice(0, length - 1)).startsWith(ended.text)) length--
    return length
  }
}
