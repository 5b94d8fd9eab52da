/** bfloat16 numbers as f32; exact. */
export function decodeBf16(values: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.length)
  for (let i = 0; i < values.length; i++) bits[i] = (values[i] as number) << 16
  return new Float32Array(bits.buffer)
}

/** IEEE half-precision numbers as f32; exact, subnormals, infinities and NaN included. */
export function decodeF16(values: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.length)
  const floats = new Float32Array(bits.buffer)
  for (let i = 0; i < values.length; i++) {
    const half = values[i] as number
    const sign = (half & 0x8000) << 16
    const exponent = (half >>> 10) & 31
    const fraction = half & 0x3ff
    if (exponent === 0) {
      floats[i] = (sign === 0 ? 1 : -1) * fraction * 2 ** -24
    } else {
      bits[i] = sign | (exponent === 31 ? 0x7f800000 : (exponent + 112) << 23) | (fraction << 13)
    }
  }
  return floats
}
