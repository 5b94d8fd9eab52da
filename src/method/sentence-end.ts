/** Words, and initials, that a full stop belongs to without ending a sentence. */
const ABBREVIATION = /(^|[\s("'])(mr|mrs|ms|dr|prof|st|jr|sr|vs|e\.g|i\.e|approx|fig)\.$/i
const INITIAL = /(^|[\s("'])\p{Lu}\.$/u

/**
 * Where a text's first sentence ends, its closing marks included, once that is certain: at `.`, `!` or `?` when what
 * follows has begun with a space (so that "3.5" and "Mr. Hall" go on), at an ideographic full stop, or before a line break.
 * @returns the number of characters, or undefined while the sentence may go on.
 */
export function sentenceEnd(text: string): number | undefined {
  for (const { 0: mark, index } of text.matchAll(/[.!?…]+["'”’)\]]*(?=\s)|[。！？]+[」』”’）]*|(?=\n)/gu)) {
    const end = index + mark.length
    const sentence = text.slice(0, end)
    if (/[\p{L}\p{N}]/u.test(sentence) && !ABBREVIATION.test(sentence) && !INITIAL.test(sentence)) return end
  }
  return undefined
}
