// Scales of a quantised weight in f16, two to a u32 (low half first), one a group, groups counted through all rows.

@group(0) @binding(21) var<storage, read> weight_scales: array<u32>;

fn weight_scale(group: u32) -> f32 {
  return unpack2x16float(weight_scales[group / 2u])[group % 2u];
}
