const view = new DataView(new ArrayBuffer(4))

/** f16 bits of a number, rounded to the nearest, ties to even, limited to f16's range. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const magnitude = Math.min(Math.abs(value), 65504)
  if (magnitude === 0) return sign
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), -14)
  const step = 2 ** (exponent - 10)
  const units = roundTiesToEven(magnitude / step) // 1024 .. 2048 for normal numbers
  return sign | (units >= 1024 ? ((exponent + 14) << 10) + units : units)
}

/** The number of f16 bits. */
export function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -magnitude : magnitude
}

/** bf16 bits of a number, rounded to the nearest, ties to even. */
export function bfloatBits(value: number): number {
  view.setFloat32(0, value)
  const bits = view.getUint32(0)
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** The number of bf16 bits. */
export function bfloatValue(bits: number): number {
  view.setUint32(0, bits << 16)
  return view.getFloat32(0)
}

/** To the nearest whole number, halves to the even one. */
export function roundTiesToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** Packs 16-bit numbers two to a word, low half first. */
export function packHalves(bits: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bits.length / 2))
  for (let i = 0; i < bits.length; i++)
    words[i >> 1] = (words[i >> 1] ?? 0) | ((bits[i] ?? 0) << (16 * (i & 1)))
  return words
}
