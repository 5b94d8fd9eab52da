// Scales of a quantised weight in f16, two to a u32 (low half first), one a group, groups counted through all rows.

@group(0) @binding(21) var<storage, read> weight_scales: array<u32>;

/// Scales are not negative. Decoded by hand: small groups have scales below f16's normal range, which
/// unpack2x16float may round to zero.
fn weight_scale(group: u32) -> f32 {
  let half = (weight_scales[group / 2u] >> (16u * (group % 2u))) & 0x7fffu;
  let normal = bitcast<f32>((half << 13u) + 0x38000000u);
  return select(normal, f32(half) * 5.9604644775390625e-8, half < 0x400u); // 2^-24
}
