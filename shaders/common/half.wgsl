// f16 in the low half of a u32, coded and decoded in whole numbers: WGSL leaves pack2x16float's rounding open, and
// unpack2x16float may take numbers below f16's normal range for zero.

/// Bits of the f16 nearest to a number, ties to the even one. Past +-65504, f16's largest, it is +-65504; NaN is not kept.
fn half_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let size = bits & 0x7fffffffu;
  // 13 bits of the mantissa go. Half of their span, less one where the last bit kept is even, carries when it should.
  let normal = (size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u;
  // Below 2^-14 f16 counts in steps of 2^-24: the mantissa, with its leading 1, shifted to that step.
  let shift = min(126u - min(size >> 23u, 112u), 25u);
  let mantissa = (size & 0x7fffffu) | 0x800000u;
  let subnormal = (mantissa + (1u << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
  return select(min(normal, 0x7bffu), subnormal, size < 0x38800000u) | ((bits >> 16u) & 0x8000u);
}

/// The number of an f16 without its sign: bits below 0x8000.
fn half_magnitude(bits: u32) -> f32 {
  let normal = bitcast<f32>((bits << 13u) + 0x38000000u);
  return select(normal, f32(bits) * 5.9604644775390625e-8, bits < 0x400u); // 2^-24
}

/// The number of an f16.
fn half_value(bits: u32) -> f32 {
  let magnitude = half_magnitude(bits & 0x7fffu);
  return select(magnitude, -magnitude, bits >= 0x8000u);
}
