import { philox4x32 } from '../../method/random.ts'

/** Marks the generator's use for the order of the data. */
const PURPOSE = 0x6f72_6465

export interface OrderOptions {
  /** False gives the identity. */
  readonly shuffle: boolean
  /** Pairs of one key stay together, in their own order, and the groups are shuffled. Default every pair is shuffled. */
  readonly groups?: readonly string[] | undefined // (count)
}

/**
 * The order in which an epoch takes the pairs: a shuffle that follows from seed and epoch alone.
 * @returns a permutation of 0 .. count - 1.
 */
export function epochOrder(
  count: number,
  seed: number,
  epoch: number,
  { shuffle, groups }: OrderOptions,
): number[] {
  if (!shuffle) return Array.from({ length: count }, (_, i) => i)
  if (!groups) return permutation(count, seed, epoch)
  const members = new Map<string, number[]>()
  groups.forEach((key, i) => {
    const known = members.get(key)
    if (known) known.push(i)
    else members.set(key, [i])
  })
  const together = [...members.values()]
  return permutation(together.length, seed, epoch).flatMap((group) => together[group] as number[])
}

/** Fisher and Yates. */
function permutation(count: number, seed: number, epoch: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
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
