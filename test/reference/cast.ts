/** The f16 nearest to a number, ties to even, as a number; +-65504 past f16's range. */
export function roundToF16(value: number): number {
  const size = Math.abs(value)
  if (size === 0) return value
  const step = 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 10)
  const quotient = size / step
  const below = Math.floor(quotient)
  const rest = quotient - below
  const steps = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
  return Math.sign(value) * Math.min(steps * step, 65504)
}

/** The number an f16's bits stand for. */
export function decodeF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
}
