import * as v from 'valibot'

const text = v.pipe(v.string(), v.minLength(1))

/**
 * What a person did to one pair, found again by its content alone: the image, what was asked, and both texts. An ending after
 * a context is the empty text.
 */
export const pairEditSchema = v.pipe(
  v.strictObject({
    /** `strike` takes a pair out, `flip` prefers its other text, `add` makes one of two candidates whatever the rules say. */
    edit: v.picklist(['strike', 'flip', 'add']),
    /** SHA-256 of the image's bytes. */
    imageHash: v.pipe(
      v.string(),
      v.check((hash) => /^[0-9a-f]{64}$/.test(hash), 'expected 64 hexadecimal digits'),
    ),
    prompt: text,
    /** The beginning of the answer that both texts go on from. Default none. */
    context: v.exactOptional(v.string()),
    chosen: v.string(),
    rejected: v.string(),
    /** The round whose pairs it is about. Default 1. */
    round: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  }),
  v.check(({ chosen, rejected }) => chosen !== rejected, 'expected two different texts'),
)

export type PairEdit = v.InferOutput<typeof pairEditSchema>

/** An edit that changed nothing. */
export interface UnmatchedEdit {
  readonly edit: PairEdit
  /** Such as "there is no such pair". */
  readonly why: string
}

/** An edit that found nothing, in words. */
export function unmatchedNote({
  edit: { edit, imageHash, prompt, chosen, rejected },
  why,
}: UnmatchedEdit): string {
  return (
    `pair.edits: to ${edit} “${chosen}” over “${rejected}” (“${prompt}”, picture ${imageHash.slice(0, 12)}…) ` +
    `changed nothing: ${why}`
  )
}
