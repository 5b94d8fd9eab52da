/**
 * Rows image by image, the images in the order in which they first come. Rows of one image may lie apart; held are only those
 * of images that are not complete yet, and of images after such a one.
 * @param read reads the rows from the beginning; it is called twice.
 */
export async function* byImage<T extends { readonly imageHash: string }>(
  read: () => AsyncIterable<T>,
): AsyncGenerator<T[]> {
  const last = new Map<string, number>()
  let place = 0
  for await (const { imageHash } of read()) last.set(imageHash, place++)
  const held = new Map<string, T[]>()
  place = 0
  for await (const row of read()) {
    const own = held.get(row.imageHash)
    if (own) own.push(row)
    else held.set(row.imageHash, [row])
    for (const [hash, rows] of held) {
      if ((last.get(hash) ?? 0) > place) break
      held.delete(hash)
      yield rows
    }
    place++
  }
}
