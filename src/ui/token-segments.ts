import type { MarkedText } from '../evaluate/mark.ts'

/** A part of an answer that belongs to one token. */
export interface Segment {
  readonly text: string
  /** The token's number. */
  readonly token: number
}

/** A noun that was judged, or what stands between such nouns. */
export interface SegmentedPiece extends Pick<MarkedText, 'verdict'> {
  readonly segments: readonly Segment[]
}

/** An answer's judged pieces, each cut where one token ends and the next begins. @param tokens whose texts are the answer. */
export function segmentsOf(
  marked: readonly MarkedText[],
  tokens: readonly { readonly text: string }[],
): SegmentedPiece[] {
  let token = 0
  /** Characters of that token that have been given out. */
  let used = 0
  return marked.map(({ text, verdict }) => {
    const segments: Segment[] = []
    for (let at = 0; at < text.length; ) {
      const left = (tokens[token]?.text.length ?? Number.POSITIVE_INFINITY) - used
      const length = Math.min(left, text.length - at)
      if (length > 0) segments.push({ text: text.slice(at, at + length), token })
      at += length
      used += length
      if (length === left) {
        token++
        used = 0
      }
    }
    return { segments, ...(verdict ? { verdict } : {}) }
  })
}
