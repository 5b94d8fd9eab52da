export type Counter = readonly [number, number, number, number]
export type Key = readonly [number, number]

/**
 * Philox4x32-10, a counter-based generator: four words from a counter and a key, the twin of `shaders/common/random.wgsl`.
 * Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 * @param counter four whole numbers, taken modulo 2^32. @param key two more.
 * @returns four whole numbers in [0, 2^32).
 */
export function philox4x32(counter: Counter, key: Key): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0)
    const low0 = Math.imul(0xd2511f53, c0)
    const high1 = multiplyHigh(0xcd9e8d57, c2)
    const low1 = Math.imul(0xcd9e8d57, c2)
    ;[c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0]
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0]
}

/** A number in [0, 1), a multiple of 2^-24: the word's upper 24 bits, exact in f32. */
export function uniformOf(word: number): number {
  return (word >>> 8) / 2 ** 24
}

/** The upper 32 bits of the 64-bit product of two words. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16) // each product is below 2^32, so float64 holds the sums
  const carried = aLow * bHigh + (middle % 0x10000)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) | 0
}
