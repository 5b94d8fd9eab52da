/** A text's sentences in order, each with its closing mark and without the space around it. */
export function sentences(text: string): string[] {
  return (text.match(/[^.!?]+[.!?]*/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
}

/** Words of a text: runs of characters between spaces. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word.length > 0).length
}
