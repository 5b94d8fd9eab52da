/**
 * A text's sentences in order, each with its closing marks and without the space around it. A mark ends a sentence before a space
 * or the text's end only: "3.5" stays whole.
 */
export function sentences(text: string): string[] {
  return (text.match(/[^\s][\s\S]*?(?:[.!?]+["'”’)\]]*(?=\s|$)|$)/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
}

/** Words of a text: runs of characters between spaces. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word.length > 0).length
}
