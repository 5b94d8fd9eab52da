import type { NounVerdict } from './amber.ts'

/** A piece of a caption; the pieces in order are the caption. */
export interface MarkedText {
  readonly text: string
  /** What the picture says of it, where it is a noun that counts. */
  readonly verdict?: NounVerdict
}

/**
 * Cuts a caption at its judged nouns, so that they can be shown as grounded or invented.
 * @param nouns singular, in the order of the caption; one that is not found in its place stays unmarked.
 */
export function markNouns(
  caption: string,
  nouns: readonly { readonly noun: string; readonly verdict: NounVerdict }[],
): MarkedText[] {
  const pieces: MarkedText[] = []
  let at = 0
  let from = 0
  const lower = caption.toLowerCase()
  for (const { noun, verdict } of nouns) {
    const place = findForm(lower, noun, from)
    if (!place) continue
    if (place.start > at) pieces.push({ text: caption.slice(at, place.start) })
    pieces.push({ text: caption.slice(place.start, place.end), verdict })
    at = place.end
    from = place.end
  }
  if (at < caption.length) pieces.push({ text: caption.slice(at) })
  return pieces
}

/** The first place from `from` on where the noun stands as a word, singular or plural. */
function findForm(text: string, noun: string, from: number): { start: number; end: number } | undefined {
  const found = pluralsOf(noun)
    .map((form) => ({ form, at: indexOfWord(text, form, from) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || b.form.length - a.form.length)[0]
  return found && { start: found.at, end: found.at + found.form.length }
}

function pluralsOf(noun: string): string[] {
  const regular = [noun, `${noun}s`, `${noun}es`]
  if (noun.endsWith('y')) return [...regular, `${noun.slice(0, -1)}ies`]
  if (noun.endsWith('fe')) return [...regular, `${noun.slice(0, -2)}ves`]
  if (noun.endsWith('f')) return [...regular, `${noun.slice(0, -1)}ves`]
  if (noun.endsWith('man')) return [...regular, `${noun.slice(0, -3)}men`]
  return regular
}

function indexOfWord(text: string, word: string, from: number): number {
  const isLetter = (index: number): boolean => /[\p{L}\p{N}]/u.test(text[index] ?? '')
  for (let at = text.indexOf(word, from); at >= 0; at = text.indexOf(word, at + 1))
    if (!isLetter(at - 1) && !isLetter(at + word.length)) return at
  return -1
}
