import { philox4x32 } from '../../method/random.ts'

/** Marks the generator's use for the order of the data. */
const PURPOSE = 0x6f72_6465

/**
 * The order in which an epoch takes the pairs: a shuffle that follows from seed and epoch alone (Fisher and Yates).
 * @returns a permutation of 0 .. count - 1; the identity without `shuffle`.
 */
export function epochOrder(count: number, seed: number, epoch: number, shuffle: boolean): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  if (!shuffle) return order
  for (let i = count - 1; i > 0; i--) {
    const [high, low] = philox4x32([i, epoch, 0, 0], [seed, PURPOSE])
    // 53 random bits leave a bias far below anything that could be seen.
    const j = Math.floor(((high >>> 5) * 2 ** 26 + (low >>> 6)) * 2 ** -53 * (i + 1))
    const [a, b] = [order[i] as number, order[j] as number]
    order[i] = b
    order[j] = a
  }
  return order
}
