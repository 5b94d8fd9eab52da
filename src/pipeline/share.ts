/** Some of a data set's pictures by their contents, from 0 to 1: those from the first number on and below the second. */
export type Share = readonly [from: number, to: number]

/**
 * A picture's place from 0 to 1 by its contents: spread evenly, and the same in whatever order, company or name it comes.
 * @param hash SHA-256, hexadecimal.
 */
export function placeOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 13), 16) / 2 ** 52
}

export function isInShare(hash: string, [from, to]: Share): boolean {
  const place = placeOf(hash)
  return from <= place && place < to
}
