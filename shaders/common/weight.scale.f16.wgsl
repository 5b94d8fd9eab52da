// Scales of a quantised weight in f16, two to a u32 (low half first), one a group, groups counted through all rows.
// Scales are not negative; small groups have scales below f16's normal range. Needs half.wgsl.

@group(0) @binding(21) var<storage, read> weight_scales: array<u32>;

fn weight_scale(group: u32) -> f32 {
  return half_magnitude((weight_scales[group / 2u] >> (16u * (group % 2u))) & 0x7fffu);
}
